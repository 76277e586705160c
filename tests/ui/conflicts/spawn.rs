use memokit::memoize;
use std::borrow::Cow;

#[memoize(ttl = "1m", spawn = std::thread::spawn)]
fn without_an_older_result(a: u32) -> u32 {
    a
}

#[memoize(ttl = "1m", stale = "1m", spawn = std::thread::spawn, scope = "thread", stale_if_error = false)]
fn contradictions(a: u32) -> u32 {
    a
}

#[memoize(ttl = "1m", stale = "1m", spawn = std::thread::spawn)]
#[track_caller]
fn tracked(a: u32) -> u32 {
    a
}

#[memoize(ttl = "1m", stale = "1m", spawn = std::thread::spawn)]
fn borrows(text: &str, (a, b): (u32, &u32), parts: Vec<Cow<'_, str>>, fixed: &'static str) -> usize {
    text.len() + parts.len() + (a + b) as usize + fixed.len()
}

#[memoize(ttl = "1m", stale = "1m", spawn = task::spawn)]
async fn task(text: &str) -> usize {
    text.len()
}

#[memoize(spawn = task::spawn)]
async fn task_of_a_miss(text: &str) -> usize {
    text.len()
}

struct Shop;

impl Shop {
    #[memoize(skip(self), ttl = "1m", stale = "1m", spawn = std::thread::spawn)]
    fn price(&self, a: u32) -> u32 {
        a
    }
}

#[memoize(ttl = "1m", stale = "1m", spawn = 5)]
fn no_function(a: u32) -> u32 {
    a
}

fn main() {}

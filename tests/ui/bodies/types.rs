use memokit::memoize;

#[memoize]
fn mismatched(n: u32) -> String {
    n
}

#[memoize]
fn early(n: u32) -> u32 {
    if n > 3 {
        return "three";
    }
    n
}

#[memoize]
fn nothing_returned(n: u32) -> u32 {
    n + 1;
}

#[memoize]
fn question_mark(text: &str) -> u32 {
    let n: u32 = text.parse()?;
    n
}

#[memoize]
fn not_inferred(n: u32) -> u32 {
    let list = Vec::new();
    n + list.len() as u32
}

struct Shop;

impl Shop {
    #[memoize(skip(self))]
    fn method(&self, n: u32) -> String {
        n
    }
}

#[memoize]
async fn task(n: u32) -> String {
    n
}

#[memoize]
async fn nothing_returned_by_a_task(n: u32) -> u32 {
    n + 1;
}

fn main() {}

use memokit::memoize;

#[memoize(cache_if = |text: &String| text.is_empty())]
fn judged(n: u8) -> u8 {
    n
}

#[memoize(ttl_with = seconds)]
fn timed(n: u8) -> u8 {
    n
}

fn seconds(_: &u8) -> u64 {
    5
}

fn main() {}

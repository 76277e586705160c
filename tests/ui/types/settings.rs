use memokit::memoize;

#[memoize(ttl = seconds())]
fn fetch(id: u32) -> u32 {
    id
}

fn seconds() -> u64 {
    30
}

fn main() {}

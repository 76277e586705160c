use memokit::memoize;

struct Id(u32);

#[memoize(key = Id(id))]
fn fetch(id: u32) -> u32 {
    id
}

fn main() {}

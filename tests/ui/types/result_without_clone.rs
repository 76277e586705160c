use memokit::memoize;

struct Page;

#[memoize]
fn fetch(_id: u32) -> Page {
    Page
}

fn main() {}

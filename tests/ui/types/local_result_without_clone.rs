use memokit::memoize;

struct Page;

#[memoize(scope = "thread")]
fn page(_id: u32) -> Page {
    Page
}

fn main() {}

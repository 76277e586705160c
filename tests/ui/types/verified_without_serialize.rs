use memokit::memoize;

#[derive(Clone)]
struct Page;

#[memoize(verify = 0.1)]
fn page(_id: u32) -> Page {
    Page
}

fn main() {}

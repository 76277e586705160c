use memokit::memoize;

#[derive(Clone, serde::Serialize)]
struct Page;

#[memoize(persist = "pages")]
fn page(_id: u32) -> Page {
    Page
}

fn main() {}

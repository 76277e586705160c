use memokit::memoize;

#[memoize]
fn unknown(n: u32) -> u32 {
    n + missing
}

struct Shop;

impl Shop {
    #[memoize(skip(self))]
    fn method(&self, n: u32) -> u32 {
        missing(n)
    }
}

#[memoize]
async fn task(n: u32) -> Missing {
    n
}

fn main() {}

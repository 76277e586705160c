use memokit::memoize;

// No such crate.
#[memoize(crate = no::such)]
fn free(n: u32) -> u32 {
    n
}

// A crate that is not memokit.
#[memoize(crate = std, ttl = "1m")]
async fn task(n: u32) -> u32 {
    n
}

struct Table;

impl Table {
    #[memoize(crate = std, skip(self))]
    fn row(&self, n: u32) -> u32 {
        n
    }
}

fn main() {}

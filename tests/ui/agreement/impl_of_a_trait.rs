use memokit::memoize;

trait Market {
    fn price(&self, id: u32) -> u32;
    fn fee() -> u32;
}

impl Market for u32 {
    #[memoize]
    fn price(&self, id: u32) -> u32 {
        *self + id
    }

    #[memoize(max = 5, companion = cost)]
    fn fee() -> u32 {
        3
    }
}

fn main() {}

use memokit::memoize;

trait Market {
    fn price(&self, id: u32) -> u32;
}

impl Market for u32 {
    #[memoize]
    fn price(&self, id: u32) -> u32 {
        *self + id
    }
}

fn main() {}

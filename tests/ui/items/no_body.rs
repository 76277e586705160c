use memokit::memoize;

trait Market {
    #[memoize]
    fn quote(&self, symbol: u32) -> u32;
}

unsafe extern "C" {
    #[memoize]
    fn getpid() -> i32;
}

fn main() {}

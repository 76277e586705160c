use memokit::memoize;

trait Market {
    fn quote(&self) -> u32;
}

impl Market for u32 {
    #[memoize(companion = none)]
    #[track_caller]
    fn quote(&self) -> u32 {
        *self
    }
}

fn main() {}

use memokit::{companions, memoize};

trait Market {
    fn quote(&self, symbol: &str) -> u64;
    fn price(&self, of: impl Fn() -> u32) -> u64;
}

struct Exchange;
struct Other;
struct Third;

#[companions]
impl Exchange {
    #[memoize(skip(self))]
    fn own(&self) -> u64 {
        1
    }
}

#[companions]
impl Market for Exchange {
    fn quote(&self, _: &str) -> u64 {
        1
    }

    fn price(&self, _: impl Fn() -> u32) -> u64 {
        1
    }
}

#[companions(struct)]
impl Market for Other {
    #[memoize(skip(self))]
    fn quote(&self, _symbol: &str) -> u64 {
        1
    }

    fn price(&self, _: impl Fn() -> u32) -> u64 {
        1
    }
}

#[companions]
impl Market for Third {
    #[memoize(skip(self), tll = "1s")]
    fn quote(&self, _symbol: &str) -> u64 {
        1
    }

    #[memoize(skip(self, of))]
    fn price(&self, of: impl Fn() -> u32) -> u64 {
        of().into()
    }
}

#[companions]
fn free() {}

fn main() {
    Third::quote_memo().clear();
}

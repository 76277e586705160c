use memokit::memoize;

#[memoize]
struct Quote(u32);

#[memoize]
impl Quote {
    fn price(&self) -> u32 {
        self.0
    }
}

#[memoize]
mod quotes {}

#[memoize]
const LIMIT: u32 = 5;

#[memoize]
extern "C" {}

fn main() {
    let _ = Quote(LIMIT).price();
}

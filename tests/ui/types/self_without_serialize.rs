use memokit::memoize;

struct Market {
    open: bool,
}

impl Market {
    #[memoize]
    fn price(&self, id: u32) -> u32 {
        if self.open { id } else { 0 }
    }
}

fn main() {}

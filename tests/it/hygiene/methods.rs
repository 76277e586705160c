//! A blanket trait whose methods have the names of methods that an expansion calls.

use memokit::memoize;

trait Everywhere: Sized {
    fn keep(self) -> u8 {
        1
    }
    fn store(self) -> u8 {
        2
    }
    fn store_if(self) -> u8 {
        3
    }
    fn element(self) -> u8 {
        4
    }
    fn lookup(self) -> u8 {
        5
    }
    fn handle(self) -> u8 {
        6
    }
    fn memo(self) -> u8 {
        7
    }
    fn max(self) -> u8 {
        8
    }
}

impl<T> Everywhere for T {}

#[memoize(max = 3)]
fn shared(n: u32) -> String {
    format!("{}{}", n.keep(), n.element())
}

#[memoize(cache_err)]
fn failing(text: &str) -> Result<u32, String> {
    Err(text.to_owned())
}

fn main() {
    for _ in 0..2 {
        assert_eq!(shared(1), "14");
        assert_eq!(failing("a"), Err("a".into()));
    }
    assert_eq!(shared_memo().stats().hits, 1);
    assert_eq!(failing_memo().stats().hits, 1);
}

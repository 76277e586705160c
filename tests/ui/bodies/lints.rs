#![deny(unused, overflowing_literals)]

use memokit::memoize;

#[memoize]
pub fn unused(n: u32, other: u32) -> u32 {
    let x = 1;
    n
}

#[memoize]
pub fn unused_mut(mut n: u32) -> u32 {
    n
}

#[memoize]
pub fn unreachable(n: u32) -> u32 {
    return n;
    n + 1
}

#[memoize]
pub fn unused_result(text: &str) -> u32 {
    text.parse::<u32>();
    fn inner() {}
    1
}

#[memoize]
pub fn overflowing(_n: u32) -> u8 {
    256
}

#[memoize(key = id)]
pub fn used_by_the_key(id: u32, text: &str) -> String {
    text.to_owned()
}

pub struct Shop;

impl Shop {
    #[memoize(key = id)]
    pub fn method(&self, id: u32, other: u32) -> u32 {
        7
    }
}

#[memoize]
pub async fn task(n: u32, other: u32) -> u32 {
    n
}

static mut COUNT: u32 = 0;

#[memoize]
unsafe fn unsafe_in_its_body(a: u32) -> u32 {
    COUNT + a
}

#[memoize]
#[track_caller]
unsafe fn unsafe_in_an_inner_body(a: u32) -> u32 {
    COUNT + a
}

fn main() {}

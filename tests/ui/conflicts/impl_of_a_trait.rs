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

#[rustfmt::skip]
mod one_line {
    pub trait Fee { fn fee(&self) -> u32; }
    /* Größe */ impl Fee for u8 { #[memokit::memoize] fn fee(&self) -> u32 { 1 } } impl super::Own { #[memokit::memoize(skip(self))] fn fee(&self) -> u32 { 2 } }
}

struct Own;

fn main() {}

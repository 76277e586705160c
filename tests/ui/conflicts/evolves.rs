use memokit::codec::{Codec, Sink};
use memokit::{Error, memoize};

#[memoize(evolves)]
fn in_memory() -> u32 {
    1
}

#[memoize(persist = "x", version = 1, evolves)]
fn by_postcard() -> u32 {
    1
}

#[memoize(persist = "x", version = 1, evolves, codec = memokit::codec::Postcard)]
fn by_postcard_too() -> u32 {
    1
}

#[memoize(persist = "x", codec = memokit::codec::Json, evolves)]
fn without_a_version() -> u32 {
    1
}

#[memoize(persist = "x", codec = Own, version = 1, evolves)]
fn by_a_codec_that_is_no_format() -> u32 {
    1
}

#[derive(Default)]
struct Own;

impl Codec<u32> for Own {
    fn schema(&self) -> Result<u128, Error> {
        Ok(1)
    }
    fn encode(&self, _: &u32, _: &mut Sink<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn decode(&self, _: &[u8]) -> Result<u32, Error> {
        Ok(1)
    }
}

fn main() {}

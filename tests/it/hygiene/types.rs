//! Types with the names of traits that an expansion imports.

use memokit::memoize;
use serde::Serialize;

#[derive(Clone, Serialize, Debug, PartialEq)]
struct KeepAll(u32);

#[derive(Clone, Serialize, Debug, PartialEq)]
struct AsOctets(u32);

struct KeepOk;

impl KeepOk {
    const LIMIT: usize = 2;
}

#[memoize(max = KeepOk::LIMIT)]
fn shared(n: u32, octets: &AsOctets) -> KeepAll {
    KeepAll(octets.0 + n)
}

#[memoize(cache_err, key = AsOctets(text.len() as u32))]
fn failing(text: &str) -> Result<AsOctets, String> {
    Err(text.to_owned())
}

fn main() {
    for _ in 0..2 {
        assert_eq!(shared(1, &AsOctets(2)), KeepAll(3));
        assert_eq!(failing("a"), Err("a".into()));
    }
    assert_eq!((shared_memo().stats().hits, shared_memo().max()), (1, Some(2)));
    assert_eq!(failing_memo().stats().hits, 1);
}

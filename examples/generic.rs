//! Generic functions. Look at `bytes_memo::<T>()`: each instance has a cache of its own. Where the type makes no
//! difference to the result, `instances = "shared"` gives all of them one.
//!
//!     cargo run --example generic

use std::path::{Path, PathBuf};

use memokit::memoize;
use serde::Serialize;

/// One cache for each `T`.
#[memoize(max = 100)]
fn bytes<T: Serialize + std::fmt::Debug>(value: &T) -> usize {
    println!("  encodes {value:?}");
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

/// One cache for all types of `path`, since `key` makes them alike.
#[memoize(key = path.as_ref().to_owned(), instances = "shared")]
fn extension(path: impl AsRef<Path>) -> Option<String> {
    println!("  looks at {}", path.as_ref().display());
    Some(path.as_ref().extension()?.to_str()?.to_owned())
}

/// The length of an array is generic too.
#[memoize]
fn sum<const N: usize>(numbers: [f64; N]) -> f64 {
    println!("  adds {N} numbers");
    numbers.iter().sum()
}

fn main() {
    println!("{} {} {}", bytes(&7_u32), bytes(&7_u32), bytes(&[7_u32]));
    println!(
        "u32: {} held, [u32; 1]: {} held",
        bytes_memo::<u32>().len(),
        bytes_memo::<[u32; 1]>().len()
    );
    let paths = (extension("a.toml"), extension(PathBuf::from("a.toml")));
    println!("{paths:?}, {} hit", extension_memo().stats().hits);
    println!("{} {} {}", sum([0.5, 1.5]), sum([0.5, 1.5]), sum([0.25]));
}

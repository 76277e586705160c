//! A cache of files: each result is the path of a file that belongs to it. Look at `on_evict`: a listener removes the
//! file when the entry leaves.
//!
//!     cargo run --example listener

use std::fs;
use std::io;
use std::path::PathBuf;

use memokit::{Departure, Key, memoize};

/// The previews, of which two are kept.
#[memoize(max = 2, on_evict = remove)]
fn preview(page: u32) -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("memokit-{}-{page}.txt", std::process::id()));
    fs::write(&path, format!("the preview of page {page}"))?;
    Ok(path)
}

/// Gets what the cache held: the `Ok` of the result.
fn remove(key: &Key, path: &PathBuf, why: Departure) {
    println!("page {}: {why}", key.get::<u32>("page").expect("`page` is a number"));
    // A listener has nobody to return an error to. What it panics with is only counted.
    if let Err(error) = fs::remove_file(path) {
        eprintln!("{} stays: {error}", path.display());
    }
}

fn main() -> io::Result<()> {
    let paths = (1..=4).map(preview).collect::<io::Result<Vec<_>>>()?;
    let there = || paths.iter().filter(|path| path.exists()).count();
    assert_eq!(there(), 2, "the files of evicted entries are gone");
    preview_memo().clear();
    assert_eq!(there(), 0);
    Ok(())
}

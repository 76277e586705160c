//! A value replaces another: if the log ends early or is damaged anywhere, the wrong value never appears.

use std::fs;
use std::path::PathBuf;

use memokit::{Error, memoize};

use crate::support::{folder, restarts, shared, version_folder};

fn bound() -> usize {
    fs::read_to_string(shared().join("bound")).map_or(1, |text| text.len())
}

#[memoize(persist = folder(), durability = "os", max = bound())]
fn kept(n: u32) -> String {
    n.to_string()
}

fn insert(n: u32, text: &str) {
    assert!(kept_memo().insert(&kept_key(n), text.to_owned()));
}

fn get(n: u32) -> Option<String> {
    kept_memo().get(&kept_key(n))
}

/// Returns the log that holds `text`, its bytes, and the offset of the text.
fn find(text: &str) -> (PathBuf, Vec<u8>, usize) {
    let files = version_folder().read_dir().unwrap().map(|file| file.unwrap().path());
    let found = files.filter_map(|path| {
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(text.len()).position(|window| window == text.as_bytes())?;
        Some((path, bytes, at))
    });
    let mut found: Vec<_> = found.collect();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// A replacement is one write: a log that ends within it never lacks both values.
#[test]
fn a_log_that_ends_within_a_replacement_keeps_the_old_value() {
    fn cut(missing: usize) {
        let (path, bytes, at) = find("the new one");
        fs::write(path, &bytes[..at + "the new one".len() - missing]).unwrap();
    }
    restarts!(
        || {
            insert(1, "the old one");
            insert(1, "the new one");
        },
        || cut(1),
        || assert_eq!(get(1).as_deref(), Some("the old one")),
        || insert(1, "the new one"),
        || cut("the new one".len()),
        || assert_eq!(get(1).as_deref(), Some("the old one")),
    );
}

#[test]
fn an_evicted_value_does_not_return_in_place_of_a_damaged_one() {
    restarts!(
        || {
            insert(1, "the old one");
            insert(2, "another");
            insert(1, "the new one");
            insert(2, "a later one");
            fs::write(shared().join("bound"), "x".repeat(9)).unwrap();
        },
        || {
            let (path, mut bytes, at) = find("the new one");
            bytes[at] ^= 4;
            fs::write(path, bytes).unwrap();
        },
        || {
            assert_eq!(get(1), None);
            assert_eq!(get(2).as_deref(), Some("a later one"));
            assert!(!kept_memo().stats().discarded.is_empty());
            let damage = kept_memo().damage();
            let Some(Error::Corrupt { path, offset, .. }) = damage.first() else {
                panic!("{damage:?}");
            };
            assert!(path.starts_with(folder()) && *offset > 0, "{damage:?}");
        },
    );
}

#[test]
fn retain_removes_evicted_entries_from_disk() {
    restarts!(
        || {
            insert(1, "evicted");
            insert(2, "refused");
            kept_memo().retain(|_, _| false);
            fs::write(shared().join("bound"), "x".repeat(9)).unwrap();
        },
        || assert_eq!((get(1), get(2), kept_memo().len()), (None, None, 0)),
    );
}

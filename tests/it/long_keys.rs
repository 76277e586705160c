//! Arguments that are too long to be kept: their key is a digest.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use memokit::{Source, memoize, outcome};
use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::support::{folder, restarts};
use crate::tasks::block_on;

#[derive(Serialize, Clone)]
struct Image {
    width: u32,
    pixels: Vec<u8>,
    tags: HashMap<String, u64>,
}

fn image() -> Image {
    let tags = (0..5_000).map(|n| (format!("tag {n}"), n)).collect();
    Image { width: 7, pixels: vec![1; 100_000], tags }
}

#[test]
fn a_call_with_five_mebibytes_is_cached() {
    #[memoize]
    fn length(text: &str, bytes: &[u8]) -> usize {
        text.len() + bytes.len()
    }
    let (text, bytes) = ("x".repeat(5 << 20), vec![0; 5 << 20]);
    for _ in 0..3 {
        assert_eq!(length(&text, &bytes), 10 << 20);
    }
    let (memo, key) = (length_memo(), length_key(&text, &bytes));
    let stats = memo.stats();
    assert_eq!((stats.hits, stats.misses, stats.entries, stats.unkeyable), (2, 1, 1, 0));
    assert!(stats.bytes < 1_000, "{} bytes", stats.bytes);
    assert!(key.is_keyable() && key.is_digest());
    assert_eq!((memo.keys(), memo.get(&key)), (vec![key.clone()], Some(10 << 20)));
    let mut other = bytes.clone();
    *other.last_mut().unwrap() = 1;
    assert_eq!(memo.get(&length_key(&text, &other)), None);
    assert_eq!((length(&text, &other), memo.stats().misses), (10 << 20, 2));
    // The two strings run into one another nowhere.
    let (longer, shorter) = ("x".repeat((5 << 20) + 1), vec![0; (5 << 20) - 1]);
    assert_eq!((length(&longer, &shorter), memo.stats().misses), (10 << 20, 3));
}

#[test]
fn the_operations_on_a_cache_find_long_keys() {
    #[memoize]
    fn width(image: &Image) -> u32 {
        image.width
    }
    let (image, memo) = (image(), width_memo());
    let mut other = image.clone();
    other.pixels[77] = 2;
    // The same content, inserted in another order.
    let tags = image.tags.iter().collect::<Vec<_>>().into_iter().rev();
    let same = Image { tags: tags.map(|(k, v)| (k.clone(), *v)).collect(), ..image.clone() };
    assert_eq!((width(&image), width(&other), width(&same)), (7, 7, 7));
    assert_eq!((memo.stats().misses, memo.stats().hits), (2, 1));
    assert!(memo.insert(&width_key(&same), 8));
    assert_eq!((width(&image), width(&other)), (8, 7));
    assert!(memo.invalidate(&width_key(&other)));
    assert!(!memo.invalidate(&width_key(&other)));
    memo.retain(|key, value| *value != 8 || !key.is_digest());
    assert!(memo.is_empty());
    assert_eq!((width(&image), memo.stats().misses), (7, 3));
}

#[test]
fn the_last_key_that_is_kept_has_64_kib() {
    #[memoize]
    fn length(bytes: &[u8]) -> usize {
        bytes.len()
    }
    // The tag of the bytes and their length take 6 bytes.
    for (key_len, is_digest) in [(65_535, false), (65_536, false), (65_537, true)] {
        let bytes = vec![3; key_len - 6];
        assert_eq!((length(&bytes), length(&bytes)), (key_len - 6, key_len - 6));
        assert_eq!(length_key(&bytes).is_digest(), is_digest);
        let held: u64 = length_memo().stats().bytes;
        assert_eq!(held > key_len as u64, !is_digest, "{held}");
        length_memo().clear();
    }
    assert_eq!((length_memo().stats().hits, length_memo().stats().misses), (3, 3));
}

#[test]
fn every_kind_of_call_finds_long_keys() {
    #[memoize(scope = "thread")]
    fn local(image: &Image) -> u32 {
        image.width
    }
    #[memoize]
    async fn task(image: &Image) -> u32 {
        image.width
    }
    #[memoize(ttl = "1h")]
    fn timed(image: &Image) -> u32 {
        image.width
    }
    #[memoize(key = image.clone())]
    fn by_key(image: &Image) -> u32 {
        image.width
    }
    let image = image();
    for _ in 0..3 {
        assert_eq!((local(&image), block_on(task(&image)), timed(&image)), (7, 7, 7));
        assert_eq!(by_key(&image), 7);
    }
    for stats in [local_memo().stats(), task_memo().stats(), timed_memo().stats()] {
        assert_eq!((stats.hits, stats.misses, stats.unkeyable), (2, 1, 0), "{}", stats.name);
    }
    assert_eq!(by_key_memo().stats().hits, 2);
    let found = outcome(|| timed(&image));
    assert!(found.was_cached() && found.source() == Some(Source::Hit) && found.age().is_some());
}

#[test]
fn hits_of_long_keys_are_verified() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    #[memoize(verify = 1.0)]
    fn impure(image: &Image) -> u32 {
        image.width + CALLS.fetch_add(1, Relaxed)
    }
    let image = image();
    assert_eq!(impure(&image), 7);
    let second = catch_unwind(|| impure(&image));
    assert_eq!(second.is_err(), cfg!(debug_assertions));
    let stats = impure_memo().stats();
    assert_eq!((stats.mismatches, stats.hits, stats.misses), (1, 0, 2));
}

static FAILS: AtomicBool = AtomicBool::new(false);

/// Fails or panics behind the first megabyte, if it is told to.
struct Late {
    panics: bool,
}

impl Serialize for Late {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_seq(None)?;
        (0..100_000u64).try_for_each(|n| out.serialize_element(&(n, HashMap::from([(n, 1u8)]))))?;
        let fails = FAILS.load(Relaxed);
        assert!(!(fails && self.panics), "on purpose");
        if fails { Err(S::Error::custom("late")) } else { out.end() }
    }
}

#[test]
fn an_argument_that_fails_or_panics_late_leaves_nothing() {
    #[memoize]
    fn late(_: &Late, n: u8) -> u8 {
        n
    }
    FAILS.store(true, Relaxed);
    assert_eq!(late(&Late { panics: false }, 1), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| late(&Late { panics: true }, 1))).is_err());
    let stats = late_memo().stats();
    assert_eq!((stats.entries, stats.unkeyable, stats.misses), (0, 1, 1));
    assert_eq!(late_memo().computing(), 0);
    FAILS.store(false, Relaxed);
    for panics in [false, true] {
        assert_eq!(late(&Late { panics }, 1), 1);
    }
    let stats = late_memo().stats();
    assert_eq!((stats.entries, stats.hits, stats.misses), (1, 1, 2));
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[memoize(persist = folder())]
fn stored(image: &Image, bytes: &[u8]) -> usize {
    RUNS.fetch_add(1, Relaxed);
    image.pixels.len() + bytes.len()
}

#[test]
fn long_keys_are_found_on_disk() {
    const LEN: usize = 100_000 + (1 << 20);
    fn compute() {
        let (image, bytes) = (image(), vec![5; 1 << 20]);
        assert_eq!((stored(&image, &bytes), stored(&image, &bytes[1..])), (LEN, LEN - 1));
    }
    fn first() {
        compute();
        assert_eq!(RUNS.load(Relaxed), 2);
        assert!(stored_memo().stats().log_bytes < 4096, "{:?}", stored_memo().stats());
    }
    fn second() {
        compute();
        assert_eq!((RUNS.load(Relaxed), stored_memo().stats().recovered), (0, 2));
    }
    fn third() {
        second();
        assert!(stored_memo().invalidate(&stored_key(&image(), &vec![5; 1 << 20])));
        stored_memo().snapshot().unwrap();
    }
    fn last() {
        compute();
        assert_eq!((RUNS.load(Relaxed), stored_memo().stats().recovered), (1, 1));
    }
    restarts!(first, second, third, last);
}

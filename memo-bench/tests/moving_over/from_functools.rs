//! functools.lru_cache of Python: our side.

use std::collections::HashMap;

use memokit::{Cache, memoize};

#[test]
fn bound() {
    #[memoize(max = 128)]
    fn here(n: u64) -> u64 {
        n
    }
    for n in 0..1000 {
        here(n);
    }
    assert_eq!(here_memo().len(), 128);
}

#[test]
fn unbounded() {
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    for n in 0..1000 {
        here(n);
    }
    assert_eq!(here_memo().len(), 1000);
}

#[test]
fn unhashable() {
    #[memoize]
    fn here(prices: &HashMap<String, f64>, more: &[f64]) -> f64 {
        prices.values().chain(more).sum()
    }
    let prices = HashMap::from([("a".to_owned(), 1.5)]);
    assert_eq!((here(&prices, &[0.5]), here(&prices.clone(), &[0.5])), (2.0, 2.0));
    assert_eq!(here_memo().stats().hits, 1);
}

#[test]
fn none() {
    #[memoize]
    fn find(_: u64) -> Option<u64> {
        None
    }
    #[memoize]
    fn fail(_: u64) -> Result<u64, ()> {
        Err(())
    }
    assert_eq!((find(1), find(1), fail(1), fail(1)), (None, None, Err(()), Err(())));
    assert_eq!((find_memo().stats().misses, fail_memo().stats().misses), (1, 2));
}

#[test]
fn info() {
    #[memoize(max = 128)]
    fn here(n: u64) -> u64 {
        n
    }
    (here(1), here(1));
    let stats = here_memo().stats();
    assert_eq!((stats.hits, stats.misses, here_memo().max(), stats.entries), (1, 1, Some(128), 1));
}

#[test]
fn cleared() {
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    here(1);
    here_memo().clear();
    assert!(here_memo().is_empty());
}

#[test]
fn wrapped() {
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    assert_eq!((here_uncached(1), here_memo().stats().misses), (1, 0));
}

#[test]
fn method() {
    #[derive(Default)]
    struct Document {
        text: String,
        cache: Cache,
    }
    impl Document {
        #[memoize(scope = "instance")]
        fn words(&self) -> usize {
            self.text.split(' ').count()
        }
    }
    let document = Document { text: "to be".to_owned(), cache: Cache::new() };
    assert_eq!((document.words(), document.words(), Document::default().words()), (2, 2, 1));
    assert_eq!(document.words_memo().stats().hits, 1);
}

//! cached 4.1: what is done with its statics, beside our handles.

use cached::macros::cached;
use cached::{Cached as _, CachedIter as _};
use memokit::memoize;

#[test]
fn removed() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    (there(1), here(1));
    assert_eq!(THERE.write().cache_remove(&1), Some(1));
    assert!(here_memo().invalidate(&here_key(1)));
}

#[test]
fn cleared() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    (there(1), here(1));
    THERE.write().cache_clear();
    here_memo().clear();
    assert_eq!((THERE.read().cache_size(), here_memo().len()), (0, 0));
}

#[test]
fn counted() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    (there(1), there(1), here(1), here(1));
    assert_eq!((THERE.read().cache_hits(), here_memo().stats().hits), (Some(1), 1));
}

#[test]
fn looked_up() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    (there(1), here(1));
    assert_eq!(THERE.write().cache_get(&1).copied(), Some(1));
    assert_eq!((here_memo().get(&here_key(1)), here_memo().stats().hits), (Some(1), 0));
}

#[test]
fn inserted() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    THERE.write().cache_set(1, 7);
    here_memo().insert(&here_key(1), 7);
    assert_eq!((there(1), here(1)), (7, 7));
}

#[test]
fn listed() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n + 1
    }
    (there(1), here(1));
    assert_eq!(THERE.read().iter().count(), 1);
    let pairs =
        here_memo().keys().into_iter().map(|key| (key.get::<u64>("n"), here_memo().get(&key)));
    assert_eq!(pairs.collect::<Vec<_>>(), [(Ok(1), Some(2))]);
}

#[test]
fn counted_anew() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    (there(1), there(1), here(1), here(1));
    THERE.write().cache_reset_metrics();
    let start = here_memo().stats();
    (there(1), here(1));
    assert_eq!((THERE.read().cache_hits(), here_memo().stats_since(&start).hits), (Some(1), 1));
}

#[test]
fn evicted() {
    #[cached(max_size = 1)]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize(max = 1)]
    fn here(n: u64) -> u64 {
        n
    }
    (there(1), there(2), here(1), here(2));
    assert_eq!((THERE.read().cache_evictions(), here_memo().stats().evicted), (Some(1), 1));
}

#[test]
fn got_or_set() {
    #[cached]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    fn here(n: u64) -> u64 {
        n
    }
    assert_eq!(*THERE.write().cache_get_or_set_with(1, || 7), 7);
    let key = here_key(1);
    assert_eq!(here_memo().get(&key), None);
    here_memo().insert(&key, 7);
    assert_eq!((there(1), here(1)), (7, 7));
}

#[test]
fn capacity() {
    #[cached(max_size = 100)]
    fn there(n: u64) -> u64 {
        n
    }
    #[memoize(max = 100)]
    fn here(n: u64) -> u64 {
        n
    }
    (there(1), here(1));
    assert_eq!((THERE.read().cache_capacity(), here_memo().max()), (Some(100), Some(100)));
}

#[test]
fn of_a_result() {
    #[cached]
    fn there(n: u64) -> Result<u64, ()> {
        Ok(n)
    }
    #[memoize]
    fn here(n: u64) -> Result<u64, ()> {
        Ok(n)
    }
    THERE.write().cache_set(1, 7);
    here_memo().insert_ok(&here_key(1), 7);
    assert_eq!((there(1), here(1)), (Ok(7), Ok(7)));
    assert_eq!(THERE.write().cache_get(&1).copied(), Some(7));
    assert_eq!(here_memo().get_ok(&here_key(1)), Some(7));
    THERE.write().retain(|_, value| *value != 7);
    here_memo().retain_ok(|_, value| *value != 7);
    assert_eq!((there(1), here(1)), (Ok(1), Ok(1)));
}

#[test]
fn of_an_option() {
    #[cached]
    fn there(n: u64) -> Option<u64> {
        Some(n)
    }
    #[memoize]
    fn here(n: u64) -> Option<u64> {
        Some(n)
    }
    THERE.write().cache_set(1, 7);
    here_memo().insert(&here_key(1), Some(7));
    assert_eq!((there(1), here(1)), (Some(7), Some(7)));
    assert_eq!(THERE.write().cache_get(&1).copied(), Some(7));
    assert_eq!(here_memo().get(&here_key(1)).flatten(), Some(7));
    THERE.write().retain(|_, value| *value != 7);
    here_memo().retain(|_, value| value.is_some_and(|value| value != 7));
    assert_eq!((there(1), here(1)), (Some(1), Some(1)));
}

#[tokio::test]
async fn awaited() {
    #[cached]
    async fn there(n: u64) -> u64 {
        n
    }
    #[memoize]
    async fn here(n: u64) -> u64 {
        n
    }
    (there(1).await, here(1).await);
    assert_eq!(THERE.write().await.cache_remove(&1), Some(1));
    assert!(here_memo().invalidate(&here_key(1)));
    // The forms that await of `primed`, `flag` and `uncached`.
    assert_eq!((there_prime_cache(1).await, memokit::refresh_async(here(1)).await), (1, 1));
    assert!(memokit::outcome_async(here(1)).await.was_cached());
    assert_eq!((there_no_cache(1).await, here_uncached(1).await), (1, 1));
}

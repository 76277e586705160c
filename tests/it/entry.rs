//! `entry` returns a cached value with what is known of it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use memokit::{Layer, memoize};

use crate::support::{folder, restarts, wait_until, with_timeout};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn an_entry_in_memory_tells_what_is_known_of_it() {
    #[memoize(ttl = "1h", max_bytes = 100, weigh = |text| text.len())]
    fn weighed(n: u32) -> String {
        "x".repeat(n as usize)
    }
    #[memoize]
    fn plain(n: u32) -> u32 {
        n
    }
    #[memoize(idle = "1h", cache_err)]
    fn failing(n: u32) -> Result<u32, u32> {
        Err(n)
    }
    assert_eq!(weighed_memo().entry(&weighed_key(3)), None);
    let _ = (weighed(3), plain(3), failing(3));
    let entry = weighed_memo().entry(&weighed_key(3)).unwrap();
    assert_eq!(
        (entry.value().as_str(), entry.layer(), entry.weight()),
        ("xxx", Layer::Memory, Some(3))
    );
    let (age, left) = (entry.age().unwrap(), entry.time_left().unwrap());
    assert!(age < HOUR && left <= HOUR && left > HOUR / 2, "{age:?} {left:?}");
    assert_eq!((entry.cost(), entry.is_stale()), (None, false), "memory does not keep the cost");
    assert_eq!(entry.into_value(), "xxx");
    let entry = plain_memo().entry(&plain_key(3)).unwrap();
    assert_eq!((entry.age(), entry.time_left(), entry.weight()), (None, None, None));
    let entry = failing_memo().entry(&failing_key(3)).unwrap();
    assert_eq!(entry.value(), &Err(3));
    assert!(entry.time_left().is_some_and(|left| left > HOUR / 2), "{entry:?}");
    let stats = weighed_memo().stats();
    assert_eq!((stats.hits, stats.misses), (0, 1), "it is no call");
}

#[test]
fn to_look_is_no_use() {
    #[memoize(max = 2)]
    fn few(n: u32) -> u32 {
        n
    }
    #[memoize(idle = "100ms")]
    fn brief(n: u32) -> u32 {
        n
    }
    let _ = (few(1), few(2));
    assert!(few_memo().entry(&few_key(1)).is_some());
    let _ = (few(3), brief(1));
    assert_eq!(few_memo().entry(&few_key(1)), None, "it is the least recently used");
    let is_over = || brief_memo().entry(&brief_key(1)).is_none();
    wait_until("nobody has used the entry for long", is_over);
}

#[test]
fn a_stale_entry_is_returned_and_one_that_is_over_is_not() {
    #[memoize(ttl = "1ms", stale = "1h")]
    fn stale(n: u32) -> Result<u32, u32> {
        Ok(n)
    }
    #[memoize(ttl = "1ms", stale = "1h", cache_err)]
    fn failing(n: u32) -> Result<u32, u32> {
        Err(n)
    }
    #[memoize(ttl = "1ms")]
    fn brief(n: u32) -> u32 {
        n
    }
    let _ = (stale(1), failing(1), brief(1));
    let entry = || stale_memo().entry(&stale_key(1)).unwrap();
    wait_until("the entry is stale", || entry().is_stale());
    assert_eq!((entry().value(), entry().layer()), (&Ok(1), Layer::Memory));
    assert!(entry().time_left().is_some_and(|left| left <= HOUR && left > HOUR / 2));
    assert!(entry().age().is_some_and(|age| age >= Duration::from_millis(1)));
    assert_eq!(stale_memo().get(&stale_key(1)), None);
    wait_until("an error is over", || failing_memo().entry(&failing_key(1)).is_none());
    wait_until("the entry is over", || brief_memo().entry(&brief_key(1)).is_none());
}

#[test]
fn the_disk_has_the_cost_and_outlives_the_process() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    const WORK: Duration = Duration::from_millis(3);
    #[memoize(persist = folder(), max_bytes = "1MiB")]
    fn stored(n: u32) -> String {
        RUNS.fetch_add(1, Relaxed);
        let began = Instant::now();
        while began.elapsed() < WORK {}
        format!("{n}")
    }
    fn write() {
        stored(1);
        assert!(stored_memo().insert(&stored_key(2), "two".to_owned()));
        let entry = stored_memo().entry(&stored_key(1)).unwrap();
        assert_eq!((entry.layer(), entry.age()), (Layer::Memory, None));
        assert!(entry.cost().is_some_and(|cost| cost > WORK / 2), "{entry:?}");
        assert_eq!(stored_memo().entry(&stored_key(2)).unwrap().cost(), None, "it was inserted");
    }
    fn read() {
        let entry = stored_memo().entry(&stored_key(1)).unwrap();
        assert_eq!((entry.value().as_str(), entry.layer()), ("1", Layer::Disk));
        assert!(entry.cost().is_some_and(|cost| cost > WORK / 2), "{entry:?}");
        assert!(entry.age().is_some_and(|age| age < HOUR) && entry.weight().is_some(), "{entry:?}");
        assert!(stored_memo().is_empty(), "it was not taken into memory");
        assert_eq!(stored_memo().stats().disk_hits, 0);
        assert!(stored_memo().invalidate(&stored_key(2)) || stored_memo().stats().stored == 1);
        assert_eq!(stored_memo().entry(&stored_key(2)), None);
        stored(1);
        assert_eq!(stored_memo().entry(&stored_key(1)).unwrap().layer(), Layer::Memory);
        assert_eq!(RUNS.load(Relaxed), 0);
    }
    restarts!(write, read);
}

#[test]
fn threads_look_while_others_replace() {
    #[memoize(max = 4)]
    fn text(n: u32) -> String {
        n.to_string()
    }
    with_timeout(|| {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..2000).for_each(|n| drop(text(n % 8))));
                scope.spawn(|| {
                    for n in (0..2000).map(|n| n % 8) {
                        let Some(entry) = text_memo().entry(&text_key(n)) else { continue };
                        assert_eq!(entry.into_value(), n.to_string());
                    }
                });
            }
        });
    });
}

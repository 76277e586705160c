//! `outcome` and `outcome_async` tell where a value came from.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::Duration;

use memokit::{Outcome, Source, bypass, memoize, outcome, outcome_async};

use crate::support::{folder, restarts, wait_until};
use crate::tasks::{block_on, pause};

/// How old a value becomes in the tests of ages.
const AGE: Duration = Duration::from_millis(80);

fn source<R>(f: impl FnOnce() -> R) -> Source {
    outcome(f).source().unwrap()
}

fn source_async<F: Future>(future: F) -> Source {
    block_on(outcome_async(future)).source().unwrap()
}

#[memoize]
fn inner(n: u32) -> u32 {
    n + 1
}

/// Calls another memoized function, before and after a computation.
#[memoize]
fn plain(n: u32) -> u32 {
    inner(n) + inner(n)
}

#[test]
fn a_call_is_computed_and_then_a_hit() {
    let first: Outcome<u32> = outcome(|| plain(1));
    assert_eq!((*first, first.was_cached(), first.source()), (4, false, Some(Source::Computed)));
    let second = outcome(|| plain(1));
    assert_eq!((second.was_cached(), second.source()), (true, Some(Source::Hit)));
    assert_eq!(second.into_value(), 4);
    plain_memo().clear();
    assert_eq!(source(|| plain(1)), Source::Computed, "though the inner calls are hits");
}

#[test]
fn the_last_call_counts_and_no_call_is_told() {
    let _ = plain(3);
    assert_eq!(outcome(|| 3).source(), None);
    assert_eq!(source(|| plain(plain(3))), Source::Computed);
    assert_eq!(source(|| (plain(99), plain(3))), Source::Hit);
    assert_eq!(source(|| thread::scope(|_| plain(3))), Source::Hit);
    let elsewhere = outcome(|| thread::scope(|scope| scope.spawn(|| plain(3)).join().unwrap()));
    assert_eq!(elsewhere.source(), None, "another thread made the call");
}

#[test]
fn outcomes_are_nested_and_survive_panics() {
    let _ = plain(4);
    let both = outcome(|| (outcome(|| 1), outcome(|| plain(4))));
    assert_eq!((both.0.source(), both.1.source()), (None, Some(Source::Hit)));
    assert_eq!(both.source(), Some(Source::Hit));
    let caught =
        std::panic::catch_unwind(|| outcome(|| -> u32 { panic!("on purpose") }).into_value());
    assert!(caught.is_err());
    assert_eq!(source(|| plain(4)), Source::Hit);
}

#[test]
fn calls_that_are_not_cached_are_computed() {
    #[memoize(verify = 1.0)]
    fn verified(n: u32) -> u32 {
        n
    }
    #[memoize(cache_if = |&n| plain(n) > 100)]
    fn rejected(n: u32) -> u32 {
        n
    }
    #[memoize(scope = "thread")]
    fn own(n: u32) -> u32 {
        n
    }
    let _ = (plain(5), verified(5), own(5));
    assert_eq!(source(|| bypass(|| plain(5))), Source::Computed);
    assert_eq!(source(|| bypass(|| plain_uncached(5))), Source::Computed, "by its inner calls");
    assert_eq!(source(|| verified(5)), Source::Computed);
    assert_eq!(source(|| rejected(5)), Source::Computed, "though its predicate hits");
    assert_eq!((source(|| own(5)), source(|| own(6))), (Source::Hit, Source::Computed));
}

#[test]
fn an_older_value_is_stale() {
    static FAILS: AtomicBool = AtomicBool::new(false);
    #[memoize(ttl = "1h", ttl_with = |_| Some(Duration::ZERO), stale = "1h")]
    fn tick(n: u32) -> Result<u32, String> {
        if FAILS.load(Relaxed) { Err("down".into()) } else { Ok(n) }
    }
    assert_eq!(source(|| tick(1)), Source::Computed);
    FAILS.store(true, Relaxed);
    let stale = outcome(|| tick(1));
    assert_eq!((stale.source(), stale.was_cached(), &*stale), (Some(Source::Stale), true, &Ok(1)));
    assert!(stale.age().is_some(), "{stale:?}");
    assert_eq!(source(|| tick(2)), Source::Computed, "an error without an older value");
}

#[test]
fn the_age_of_a_value_is_known_where_values_have_a_time_to_live() {
    #[memoize(ttl = "1h", stale = "1h")]
    fn timed(n: u32) -> Result<u32, u32> {
        if n > 9 { Err(n) } else { Ok(n) }
    }
    #[memoize(ttl_with = |_| None)]
    async fn timed_task(n: u32) -> u32 {
        n
    }
    let (first, task) = (outcome(|| timed(1)), block_on(outcome_async(timed_task(1))));
    assert!(first.age().unwrap() < AGE && task.age().unwrap() < AGE);
    sleep(AGE);
    let aged = |age: Option<Duration>| age.is_some_and(|age| age >= AGE && age < 1000 * AGE);
    let (found, task) = (outcome(|| timed(1)), block_on(outcome_async(timed_task(1))));
    assert!(aged(found.age()) && aged(task.age()), "{found:?} {task:?}");
    timed_memo().insert(&timed_key(1), Ok(7));
    assert!(outcome(|| timed(1)).age().unwrap() < AGE);
    let (error, untimed) = (outcome(|| timed(10)), outcome(|| (plain(7), plain(7)).1));
    assert!(error.age().unwrap() < AGE, "an error is as new as any value");
    assert_eq!((untimed.source(), untimed.age()), (Some(Source::Hit), None));
}

#[test]
fn the_age_counts_from_the_computation_in_an_earlier_process() {
    #[memoize(ttl = "1h", persist = folder(), durability = "os")]
    fn stored(n: u32) -> u32 {
        n
    }
    restarts!(
        || {
            assert_eq!(stored(1), 1);
            sleep(AGE);
        },
        || {
            assert!(outcome(|| stored(1)).age().unwrap() >= AGE, "from the log");
            stored_memo().snapshot().unwrap();
        },
        || {
            let found = outcome(|| stored(1));
            assert_eq!((found.source(), found.was_cached()), (Some(Source::Disk), true));
            assert!(found.age().unwrap() >= AGE, "from a snapshot");
        },
    );
}

#[test]
fn a_waiter_is_coalesced() {
    static OPEN: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn gated(n: u32) -> u32 {
        wait_until("the gate opens", || OPEN.load(Relaxed) == n);
        n
    }
    let round = |n: u32| {
        thread::scope(|scope| {
            let leader = scope.spawn(move || source(|| gated(n)));
            wait_until("the leader computes", || gated_memo().computing() == 1);
            let waiter = scope.spawn(move || source(|| gated(n)));
            sleep(Duration::from_millis(20));
            OPEN.store(n, Relaxed);
            assert_eq!(leader.join().unwrap(), Source::Computed);
            waiter.join().unwrap()
        })
    };
    // Nothing shows that a caller waits. One that came too late is a hit, and the round is repeated.
    let waited = (1..=100).map(round).find(|waited| *waited != Source::Hit);
    assert_eq!(waited, Some(Source::Coalesced));
}

#[memoize]
async fn task(n: u32) -> u32 {
    pause().await;
    inner(n)
}

#[test]
fn async_calls_tell_it_too() {
    assert_eq!(source_async(task(1)), Source::Computed);
    assert_eq!(source_async(task(1)), Source::Hit);
    let value = block_on(outcome_async(async {
        pause().await;
        let value = task(1).await;
        pause().await;
        value
    }));
    assert_eq!((*value, value.source()), (2, Some(Source::Hit)));
    assert_eq!(block_on(outcome_async(pause())).source(), None);
    let (begun,) = outcome(|| (task(1),)).into_value();
    assert_eq!(outcome(|| drop(begun)).source(), None, "the call begins when it is polled");
}

#[test]
fn the_future_is_send_if_the_call_is() {
    fn assert_send<T: Send>(_: T) {}
    assert_send(outcome_async(task(7)));
}

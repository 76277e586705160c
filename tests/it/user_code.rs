//! User code that the cache runs may call memoized functions, including the function that the cache belongs to.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::memoize;
use serde::{Serialize, Serializer};

use crate::counted::Counted;
use crate::support::with_timeout;

#[memoize(max = 4)]
fn other(n: u32) -> String {
    format!("<{n}>")
}

/// Runs `work` on four threads at once, because a deadlock may need a second thread that waits for a shared lock.
fn on_four_threads(work: fn(u32)) {
    with_timeout(move || {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || work(n))).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
}

/// An argument whose serialization calls memoized functions.
struct Nested(u32);

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let below = if self.0 == 0 { 0 } else { nested(&Self(self.0 - 1)) };
        serializer.collect_str(&format_args!("{} {} {below}", self.0, other(self.0)))
    }
}

#[memoize(max = 3)]
fn nested(n: &Nested) -> u32 {
    n.0 * 10
}

#[test]
fn serialize_may_call_memoized_functions() {
    on_four_threads(|thread| {
        for round in 0..20 {
            let n = (thread + round) % 4;
            assert_eq!(nested(&Nested(n)), n * 10);
        }
    });
    assert!(nested_memo().len() <= 3);
}

/// A value whose clone and drop call the function that made it.
struct Busy(u32);

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f` unless three such calls are active on this thread.
fn shallow(f: impl FnOnce()) {
    if DEPTH.get() < 3 {
        DEPTH.set(DEPTH.get() + 1);
        f();
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        shallow(|| {
            other(self.0);
            drop(busy((self.0 + 1) % 5));
            drop(busy(self.0));
        });
        Self(self.0)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        shallow(|| {
            other(self.0);
            drop(busy((self.0 + 2) % 5));
            drop(busy(self.0));
        });
    }
}

#[memoize(max = 2)]
fn busy(n: u32) -> Busy {
    Busy(n)
}

#[test]
fn clone_and_drop_may_call_memoized_functions() {
    on_four_threads(|thread| {
        for round in 0..50 {
            let n = (thread + round) % 5;
            assert_eq!(busy(n).0, n);
            match round % 10 {
                3 => drop(busy_memo().invalidate(&busy_key(n))),
                5 => drop(busy_memo().insert(&busy_key(n), Busy(n))),
                7 => busy_memo().retain(|_, value| value.0 != n),
                8 => busy_memo().set_max(1 + n as usize % 2),
                9 => busy_memo().clear(),
                _ => {}
            }
        }
    });
}

fn is_worth_caching(n: &u32) -> bool {
    if *n > 0 {
        asking(*n - 1);
    }
    other(*n);
    asking_memo().len() < 100
}

#[memoize(cache_if = is_worth_caching)]
fn asking(n: u32) -> u32 {
    n
}

#[test]
fn cache_if_may_call_memoized_functions() {
    on_four_threads(|_| assert_eq!(asking(20), 20));
    assert_eq!(asking_memo().len(), 21);
}

#[test]
fn cache_if_may_call_its_own_key() {
    #[memoize(cache_if = |_| { shallow(|| _ = own(1)); true })]
    fn own(n: u32) -> u32 {
        n
    }
    assert_eq!(with_timeout(|| own(1)), 1);
    assert_eq!(own_memo().len(), 1);
}

#[test]
fn retain_may_call_memoized_functions() {
    #[memoize(max = 200)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..100).for_each(|n| _ = held(n));
    with_timeout(|| {
        held_memo().retain(|key, value| {
            other(*value);
            assert_eq!(held(*value), *value);
            held(*value + 1);
            held_memo().get(key).is_some() && !held_memo().is_empty() && value.is_multiple_of(2)
        });
    });
    assert!((0..50).all(|n| held_memo().get(&held_key(2 * n)).is_some()));
    assert!((0..50).all(|n| held_memo().get(&held_key(2 * n + 1)).is_none()));
}

#[test]
fn retain_may_clear_the_cache() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    (0..10).for_each(|n| _ = held(n));
    with_timeout(|| {
        held_memo().retain(|key, _| {
            held_memo().invalidate(key);
            held_memo().clear();
            true
        });
    });
    assert!(held_memo().is_empty());
}

#[test]
fn key_and_settings_may_call_memoized_functions() {
    #[memoize(key = (other(n), shallow_key(n)), max = other(7).len() * 5)]
    fn held(n: u32) -> u32 {
        n
    }
    fn shallow_key(n: u32) -> u32 {
        if n == 0 { 0 } else { held(n - 1) + 1 }
    }
    with_timeout(|| assert_eq!((held(5), held(5), held(0)), (5, 5, 0)));
    assert_eq!(held_memo().max(), Some(15));
}

/// An argument that serializes differently each time.
struct Changing;

static PASSES: AtomicU32 = AtomicU32::new(0);

impl Serialize for Changing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(PASSES.fetch_add(1, Relaxed))
    }
}

#[test]
fn a_serialize_that_changes_each_time_only_causes_misses() {
    #[memoize(max = 3)]
    #[allow(clippy::needless_pass_by_value)]
    fn held(argument: Changing, n: u32) -> u32 {
        let Changing = argument;
        n
    }
    for n in 0..10 {
        assert_eq!(held(Changing, n), n);
    }
    assert_eq!(held_memo().stats().misses, 10);
    assert_eq!(held_memo().len(), 3);
}

static SERIALIZE_PANICS: AtomicBool = AtomicBool::new(false);

struct Panicking;

impl Serialize for Panicking {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(!SERIALIZE_PANICS.load(Relaxed), "on purpose");
        serializer.serialize_unit()
    }
}

#[test]
fn a_panic_in_serialize_reaches_the_caller_and_harms_no_other_call() {
    #[memoize(max = 3)]
    #[allow(clippy::needless_pass_by_value)]
    fn held(a: u32, argument: Panicking) -> u32 {
        let Panicking = argument;
        a
    }
    assert_eq!(held(1, Panicking), 1);
    SERIALIZE_PANICS.store(true, Relaxed);
    assert!(catch_unwind(|| held(1, Panicking)).is_err());
    SERIALIZE_PANICS.store(false, Relaxed);
    with_timeout(|| assert_eq!((held(1, Panicking), held(2, Panicking)), (1, 2)));
    assert_eq!(held_memo().len(), 2);
    assert!(with_timeout(|| held_memo().invalidate(&held_key(1, Panicking))));
}

static CLONE_PANICS: AtomicBool = AtomicBool::new(false);

#[derive(Debug)]
struct Fragile;

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!CLONE_PANICS.load(Relaxed), "on purpose");
        Self
    }
}

#[test]
fn a_panic_in_clone_or_cache_if_frees_the_key() {
    static CACHE_IF_PANICS: AtomicBool = AtomicBool::new(true);
    fn is_worth_caching(_: &Fragile) -> bool {
        assert!(!CACHE_IF_PANICS.load(Relaxed), "on purpose");
        true
    }
    #[memoize(cache_if = is_worth_caching)]
    fn held(n: u32) -> Fragile {
        let _ = n;
        Fragile
    }
    assert!(catch_unwind(|| held(1)).is_err());
    CACHE_IF_PANICS.store(false, Relaxed);
    CLONE_PANICS.store(true, Relaxed);
    assert!(catch_unwind(|| held(1)).is_err());
    CLONE_PANICS.store(false, Relaxed);
    assert!(held_memo().is_empty());
    with_timeout(|| (held(1), held(1)));
    CLONE_PANICS.store(true, Relaxed);
    assert!(catch_unwind(|| held(1)).is_err());
    CLONE_PANICS.store(false, Relaxed);
    with_timeout(|| (held(1), held(2)));
    assert_eq!(held_memo().len(), 2);
}

/// An argument whose serialization waits while a flag is set.
struct Slow;

static WAITS: AtomicBool = AtomicBool::new(false);
static WAITING: AtomicBool = AtomicBool::new(false);

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Waits where the argument is looked for, and not where its key is written.
        if std::any::type_name::<S>().contains("Recorder") {
            while WAITS.load(Relaxed) {
                WAITING.store(true, Relaxed);
                thread::yield_now();
            }
        }
        serializer.serialize_u8(1)
    }
}

#[test]
fn a_serialize_that_waits_keeps_no_memory_from_being_freed() {
    static EXISTING: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn slow(argument: &Slow) -> u32 {
        let _ = argument;
        1
    }
    #[memoize(max = 1000)]
    fn counted(n: u32) -> Counted {
        let _ = n;
        Counted::new(&EXISTING)
    }
    with_timeout(|| {
        slow(&Slow);
        WAITS.store(true, Relaxed);
        thread::scope(|scope| {
            let hit = scope.spawn(|| slow(&Slow));
            while !WAITING.load(Relaxed) {
                thread::yield_now();
            }
            (0..20_000).for_each(|n| drop(counted(n)));
            let existing = EXISTING.load(Relaxed);
            WAITS.store(false, Relaxed);
            assert_eq!(hit.join().unwrap(), 1);
            assert!(existing < 4000, "{existing} values exist, of 1000 in the cache");
        });
        assert_eq!(slow_memo().stats().hits, 1);
    });
}

//! The companions `NAME_memo`, `NAME_key` and `NAME_uncached`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::{Error, Key, Memo, memoize};
use serde::Serialize;

#[test]
fn get_returns_the_cached_value_and_counts_nothing() {
    #[memoize(max = 2)]
    fn squared(n: u64) -> u64 {
        n * n
    }
    assert_eq!(squared_memo().get(&squared_key(3)), None);
    squared(3);
    assert_eq!(squared_memo().get(&squared_key(3)), Some(9));
    let stats = squared_memo().stats();
    assert_eq!((stats.hits, stats.misses), (0, 1));
}

#[test]
fn insert_stores_a_value_without_a_call() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn named(n: u32) -> String {
        RUNS.fetch_add(1, Relaxed);
        n.to_string()
    }
    assert!(named_memo().insert(&named_key(1), "one".into()));
    assert_eq!(named(1), "one");
    assert_eq!(RUNS.load(Relaxed), 0);
    assert!(named_memo().insert(&named_key(1), "uno".into()));
    assert_eq!((named(1), named_memo().len()), ("uno".into(), 1));
    let stats = named_memo().stats();
    assert_eq!((stats.hits, stats.misses), (2, 0));
}

#[test]
fn invalidate_removes_exactly_one_key() {
    #[memoize]
    fn sum(a: u32, b: u32) -> u32 {
        a + b
    }
    (sum(1, 2), sum(2, 1)).0.to_string();
    assert!(sum_memo().invalidate(&sum_key(1, 2)));
    assert!(!sum_memo().invalidate(&sum_key(1, 2)));
    assert!(!sum_memo().invalidate(&sum_key(9, 9)));
    assert_eq!(sum_memo().get(&sum_key(1, 2)), None);
    assert_eq!(sum_memo().get(&sum_key(2, 1)), Some(3));
    sum(1, 2);
    let stats = sum_memo().stats();
    assert_eq!((stats.misses, stats.invalidated, stats.entries), (3, 1, 2));
}

#[test]
fn clear_removes_all_entries() {
    #[memoize(max = 1000)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..500).for_each(|n| _ = held(n));
    held_memo().clear();
    assert!(held_memo().is_empty());
    assert_eq!(held_memo().stats().invalidated, 500);
    (0..1000).for_each(|n| _ = held(n));
    assert_eq!(held_memo().len(), 1000);
    assert_eq!(held_memo().stats().evicted, 0);
}

#[test]
fn retain_selects_by_key_and_value() {
    #[memoize]
    fn held(n: u32) -> Result<u32, String> {
        Ok(n * 10)
    }
    (0..10).for_each(|n| _ = held(n));
    let seven = held_key(7);
    held_memo().retain(|key, value| *value.as_ref().unwrap() < 50 || *key == seven);
    let kept: Vec<u32> = (0..10).filter(|&n| held_memo().get(&held_key(n)).is_some()).collect();
    assert_eq!(kept, [0, 1, 2, 3, 4, 7]);
    assert_eq!(held_memo().stats().invalidated, 4);
    held_memo().retain(|_, _| true);
    assert_eq!(held_memo().len(), 6);
}

/// "Drop everything of user 42" also concerns a load of user 42 that began before and has read old data.
#[test]
fn retain_keeps_no_value_whose_computation_began_before() {
    static USER: AtomicU32 = AtomicU32::new(1);
    static READ: AtomicU32 = AtomicU32::new(0);
    static RETAINED: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn user(id: u32) -> u32 {
        let read = USER.load(Relaxed);
        READ.fetch_add(1, Relaxed);
        while RETAINED.load(Relaxed) == 0 {
            thread::yield_now();
        }
        read + id
    }
    thread::scope(|scope| {
        let callers = [(); 2].map(|()| scope.spawn(|| user(42)));
        while READ.load(Relaxed) == 0 {
            thread::yield_now();
        }
        USER.store(2, Relaxed);
        user_memo().retain(|_, _| true);
        RETAINED.store(1, Relaxed);
        let values = callers.map(|caller| caller.join().unwrap());
        assert!(values.contains(&43), "the leader returns what it computed: {values:?}");
    });
    assert_eq!(user(42), 44);
}

#[test]
fn a_handle_can_be_used_where_a_panic_is_caught() {
    #[memoize]
    fn half(n: u32) -> u32 {
        assert!(n % 2 == 0, "odd");
        n / 2
    }
    let memo = half_memo();
    let caught = std::panic::catch_unwind(move || {
        assert!(memo.is_empty());
        half(3)
    });
    assert!(caught.is_err());
    assert_eq!((half(4), memo.len()), (2, 1));
}

#[test]
fn keys_lists_the_keys_of_cached_calls() {
    #[memoize]
    fn held(n: u32, text: &str) -> usize {
        text.len() + n as usize
    }
    (held(1, "a"), held(2, "b"), held(1, "a")).0.to_string();
    let keys: HashSet<Key> = held_memo().keys().into_iter().collect();
    assert_eq!(keys, HashSet::from([held_key(1, "a"), held_key(2, "b")]));
    assert!(keys.iter().all(|key| held_memo().get(key).is_some() && key.is_keyable()));
}

#[test]
fn handles_are_copy_and_work_on_other_threads() {
    #[memoize]
    fn held(n: u32) -> String {
        n.to_string()
    }
    fn shared<T: Copy + Send + Sync + 'static>(value: T) -> T {
        value
    }
    let memo: Memo<String> = shared(held_memo());
    held(1);
    let (len, got) = thread::spawn(move || (memo.len(), memo.get(&held_key(1)))).join().unwrap();
    assert_eq!((len, got), (1, Some("1".into())));
    assert_eq!(format!("{memo:?}"), "Memo(\"it::companions::held\")");
}

#[test]
fn disk_operations_fail_without_persist() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    held(1);
    let memo = held_memo();
    assert!(memo.health().is_ok());
    assert!(memo.try_init().is_ok());
    assert!(matches!(memo.flush(), Err(Error::NotPersistent)));
    assert!(matches!(memo.snapshot(), Err(Error::NotPersistent)));
    assert_eq!(memo.stats().persist_errors, 0);
}

#[derive(Serialize)]
struct Options<'a> {
    deep: bool,
    tags: &'a [&'a str],
    limit: Option<u32>,
}

#[test]
fn keys_are_equal_for_equal_calls_and_print_their_arguments() {
    #[memoize]
    fn found(name: &str, options: &Options<'_>) -> usize {
        name.len() + options.tags.len() + usize::from(options.deep)
    }
    #[memoize]
    #[allow(clippy::needless_pass_by_value)]
    fn other(name: String, options: Options<'_>) -> usize {
        name.len() + options.tags.len()
    }
    let options = |limit| Options { deep: true, tags: &["x"], limit };
    let key = found_key("pear", &options(Some(5)));
    assert_eq!(key, found_key("pear", &options(Some(5))));
    assert_ne!(key, found_key("pear", &options(None)));
    assert_ne!(key, found_key("peer", &options(Some(5))));
    assert_eq!(key, other_key("pear".into(), options(Some(5))));
    let text = format!("{key:?}");
    for part in ["pear", "deep", "true", "tags", "x", "limit", "5"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn equal_keys_of_two_functions_have_separate_values() {
    #[memoize]
    fn a(n: u32) -> u32 {
        n
    }
    #[memoize]
    fn b(n: u32) -> u32 {
        n + 100
    }
    (a(1), b(1)).0.to_string();
    assert_eq!((b_memo().get(&a_key(1)), a_memo().get(&b_key(1))), (Some(101), Some(1)));
    assert!(b_memo().invalidate(&a_key(1)));
    assert_eq!(a_memo().get(&a_key(1)), Some(1));
}

/// Fails to serialize, like a path that is not UTF-8.
struct Unserializable;

impl Serialize for Unserializable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}

#[test]
fn calls_without_a_key_are_computed_each_time() {
    #[memoize]
    fn held(argument: &Unserializable, n: u32) -> u32 {
        let Unserializable = argument;
        n
    }
    assert_eq!((held(&Unserializable, 1), held(&Unserializable, 1)), (1, 1));
    let stats = held_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.unkeyable, stats.entries), (0, 2, 2, 0));
    let key = held_key(&Unserializable, 1);
    assert!(!key.is_keyable());
    assert!(format!("{key:?}").contains("failed to serialize"), "{key:?}");
    assert_eq!(held_memo().get(&key), None);
    assert!(!held_memo().insert(&key, 1));
    assert!(!held_memo().invalidate(&key));
}

#[test]
fn the_uncached_companion_neither_reads_nor_fills_the_cache() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn held(n: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        n
    }
    assert_eq!((held_uncached(1), held_uncached(1)), (1, 1));
    assert_eq!((RUNS.load(Relaxed), held_memo().len()), (2, 0));
    held(1);
    held_uncached(1);
    assert_eq!(RUNS.load(Relaxed), 4);
    let stats = held_memo().stats();
    assert_eq!((stats.hits, stats.misses), (0, 1));
}

/// Inherent impls whose text resembles the impl of a trait.
#[rustfmt::skip]
mod inherent_impls {
    use memokit::memoize;

    struct Wrapper<F>(F);

    impl Wrapper<for <'a> fn(&'a u8)> {
        #[memoize(skip(self))]
        fn quote(&self, n: u32) -> u32 { n }
    }

    trait Quote { fn quote(&self, n: u32) -> u32; }

    impl Quote for u8 { fn quote(&self, n: u32) -> u32 { n } } impl Wrapper<u8> { #[memoize(skip(self))] fn quote(&self, n: u32) -> u32 { n + u32::from(self.0) } }

    macro_rules! inherent {
        (impl $name:ident for $type:ty { $($function:tt)* }) => { impl $type { $($function)* } };
    }

    inherent! {
        impl Quote for Wrapper<u16> {
            #[memoize(skip(self))]
            fn quote(&self, n: u32) -> u32 { n + u32::from(self.0) }
        }
    }

    #[test]
    fn inherent_functions_have_companions() {
        let wrapper = Wrapper((|_| ()) as for<'a> fn(&'a u8));
        (wrapper.0)(&1);
        assert_eq!((wrapper.quote(1), 1_u8.quote(2)), (1, 2));
        assert_eq!((Wrapper(2_u8).quote(3), Wrapper(3_u16).quote(4)), (5, 7));
        assert_eq!((Wrapper::<u8>::quote_memo().len(), Wrapper::<u16>::quote_memo().len()), (1, 1));
    }
}

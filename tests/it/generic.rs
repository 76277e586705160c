//! Generic functions, const parameters and `impl Trait` arguments: each instance has its own cache.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;
use serde::{Deserialize, Serialize};

use crate::support::{folder, restarts};

#[memoize]
fn shown<T: Serialize + Debug>(value: T) -> String {
    format!("{value:?}")
}

#[test]
fn each_instance_has_its_own_cache() {
    for _ in 0..2 {
        assert_eq!(shown(5u8), "5");
        assert_eq!(shown(5u16), "5");
        assert_eq!(shown("5"), "\"5\"");
        assert_eq!(shown(String::from("5")), "\"5\"");
        assert_eq!(shown(vec![5]), "[5]");
    }
    assert_eq!((shown_memo::<u8>().len(), shown_memo::<u16>().len()), (1, 1));
    assert_eq!((shown_memo::<&str>().stats().hits, shown_memo::<String>().stats().hits), (1, 1));
    assert!(shown_memo::<i64>().is_empty());
    assert_eq!(shown_memo::<u8>().get(&shown_key(5u8)), Some("5".into()));
    assert_eq!(shown_memo::<u8>().get(&shown_key::<u8>(6)), None);
    assert!(shown_memo::<u8>().invalidate(&shown_key::<u8>(5)));
    assert_eq!((shown_memo::<u8>().len(), shown_memo::<u16>().len()), (0, 1));
    assert_eq!(shown_uncached::<u8>(7), "7");
}

#[test]
fn type_parameters_that_occur_only_in_arguments_may_borrow() {
    #[memoize]
    fn joined<'a, T: AsRef<str> + Serialize>(parts: &'a [T], by: &'a str) -> String {
        parts.iter().map(T::as_ref).collect::<Vec<_>>().join(by)
    }
    let owned = String::from("a b");
    let parts: Vec<&str> = owned.split(' ').collect();
    assert_eq!((joined(&parts, "-"), joined(&parts, "-")), ("a-b".into(), "a-b".into()));
    drop(owned);
    assert_eq!(joined(&["a", "b"], "-"), "a-b");
    assert_eq!(joined_memo::<&str>().stats().hits, 2);
    assert_eq!(joined_memo::<&str>().get(&joined_key(&["a", "b"], "-")), Some("a-b".into()));
    assert!(joined_memo::<String>().is_empty());
}

#[test]
fn many_instances_are_told_apart() {
    fn twice<T: Serialize + Debug>(value: T, wanted: &str) {
        assert_eq!((shown_twice(&value), shown_twice(&value)), (wanted.into(), wanted.into()));
        assert_eq!(shown_twice_memo::<&T>().stats().hits, 1, "{wanted}");
    }
    #[memoize]
    fn shown_twice<T: Serialize + Debug>(value: T) -> String {
        format!("{value:?}{value:?}")
    }
    twice(1u8, "11");
    twice(1u16, "11");
    twice(1u32, "11");
    twice(1u64, "11");
    twice(1i8, "11");
    twice(1i16, "11");
    twice((1, 2), "(1, 2)(1, 2)");
    twice([1; 2], "[1, 1][1, 1]");
    twice([1; 3], "[1, 1, 1][1, 1, 1]");
    twice(Some('a'), "Some('a')Some('a')");
    twice((), "()()");
}

#[test]
fn threads_that_meet_new_instances_at_once_compute_each_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn counted<T: Serialize, const N: usize>(_: T) -> usize {
        RUNS.fetch_add(1, Relaxed);
        N
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!((counted::<u8, 1>(0), counted::<u8, 2>(0)), (1, 2));
                    assert_eq!((counted::<i8, 1>(0), counted::<i8, 3>(0)), (1, 3));
                    assert_eq!((counted::<(), 5>(()), counted::<(), 6>(())), (5, 6));
                }
            });
        }
    });
    assert_eq!(RUNS.load(Relaxed), 6);
    assert_eq!(counted_memo::<u8, 1>().stats().misses, 1);
}

#[test]
fn const_parameters_tell_instances_apart() {
    #[memoize]
    fn constants<const N: usize, const SIGN: char, const ON: bool, const BY: i8>() -> String {
        format!("{N}{SIGN}{ON}{BY}")
    }
    for _ in 0..2 {
        assert_eq!(constants::<1, '<', true, -1>(), "1<true-1");
        assert_eq!(constants::<1, '>', true, -1>(), "1>true-1");
        assert_eq!(constants::<1, '\'', false, -1>(), "1'false-1");
        assert_eq!(constants::<2, '\'', false, 1>(), "2'false1");
    }
    assert_eq!(constants_memo::<1, '<', true, -1>().len(), 1);
    assert_eq!(constants_memo::<1, '\'', false, -1>().stats().hits, 1);
    assert!(constants_memo::<3, 'a', true, 0>().is_empty());
    let key = constants_key::<2, '\'', false, 1>();
    assert_eq!(constants_memo::<2, '\'', false, 1>().get(&key), Some("2'false1".into()));
}

#[test]
fn arrays_of_any_length_can_be_keyed() {
    #[memoize(key = numbers.as_slice())]
    fn total<const N: usize>(numbers: [u64; N]) -> u64 {
        numbers.iter().sum()
    }
    assert_eq!((total([1, 2]), total([1, 2]), total([1, 2, 0]), total([])), (3, 3, 3, 0));
    assert_eq!((total_memo::<2>().stats().hits, total_memo::<3>().len()), (1, 1));
}

#[test]
fn where_clauses_are_kept() {
    #[memoize(max = 5)]
    fn sum<I, T>(numbers: I) -> T
    where
        I: IntoIterator<Item = T> + Serialize + Clone,
        T: Sum<T> + Clone + Send + Sync + 'static,
    {
        numbers.into_iter().sum()
    }
    assert_eq!((sum(vec![1, 2]), sum(vec![1, 2])), (3, 3));
    assert_eq!(sum([0.5, 0.5]), 1.0);
    assert_eq!(sum_memo::<Vec<i32>, i32>().get(&sum_key(vec![1, 2])), Some(3));
    assert_eq!(sum_memo::<Vec<i32>, i32>().max(), Some(5));
    assert_eq!(sum_memo::<[f64; 2], f64>().len(), 1);
}

#[test]
fn a_type_parameter_as_return_type_is_cached_whole() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn same<T: Serialize + Clone + Send + Sync + 'static>(value: T) -> T {
        RUNS.fetch_add(1, Relaxed);
        value
    }
    let error: Result<u8, String> = Err("no".into());
    assert_eq!((same(error.clone()), same(error.clone())), (error.clone(), error.clone()));
    assert_eq!(RUNS.load(Relaxed), 1);
    let memo = same_memo::<Result<u8, String>>();
    assert_eq!(memo.get(&same_key(error.clone())), Some(error));
}

#[test]
fn a_result_over_a_type_parameter_caches_only_ok() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    struct NotClone;
    #[memoize]
    fn parsed<T: std::str::FromStr + Clone + Send + Sync + 'static>(
        text: &str,
    ) -> Result<T, NotClone> {
        RUNS.fetch_add(1, Relaxed);
        text.parse().map_err(|_| NotClone)
    }
    assert!(matches!((parsed::<u8>("5"), parsed::<u8>("5")), (Ok(5), Ok(5))));
    assert!(matches!(parsed::<u16>("5"), Ok(5)));
    assert!(parsed::<u8>("x").is_err() && parsed::<u8>("x").is_err());
    assert_eq!(RUNS.load(Relaxed), 4);
    assert!(matches!(parsed_memo::<u8>().get(&parsed_key::<u8>("5")), Some(Ok(5))));
}

#[test]
fn impl_trait_arguments_tell_instances_apart() {
    #[memoize]
    fn listed(
        items: impl IntoIterator<Item = impl Display> + Serialize,
        by: &(impl AsRef<str> + Serialize),
    ) -> String {
        let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
        items.join(by.as_ref())
    }
    for _ in 0..2 {
        assert_eq!(listed(vec![1, 2], &"-"), "1-2");
        assert_eq!(listed(vec!["1", "2"], &String::from("-")), "1-2");
    }
    let memo = listed_memo::<i32, Vec<i32>, &str>();
    assert_eq!(memo.stats().hits, 1);
}

#[test]
fn skipped_closures_tell_instances_apart() {
    #[memoize(skip(by))]
    fn mapped(n: u32, by: impl Fn(u32) -> u32) -> u32 {
        by(n)
    }
    #[memoize(skip(by))]
    fn mapped_by<F>(n: u32, by: &F) -> u32
    where
        F: Fn(u32) -> u32,
    {
        by(n)
    }
    let offset = 3;
    for _ in 0..2 {
        assert_eq!(
            (mapped(2, |n| n * 10), mapped(2, |n| n * 100), mapped(2, |n| n + offset)),
            (20, 200, 5)
        );
        assert_eq!((mapped_by(2, &|n| n * 10), mapped_by(2, &|n| n * 100)), (20, 200));
    }
    fn double(n: u32) -> u32 {
        n * 2
    }
    let double: fn(u32) -> u32 = double;
    assert_eq!((mapped(4, double), mapped_uncached(5, double)), (8, 10));
    assert_eq!(mapped_memo::<fn(u32) -> u32>().get(&mapped_key(4)), Some(8));
}

#[derive(Serialize, Clone, Copy)]
struct Scale(u32);

impl Scale {
    #[memoize]
    fn scaled<T: Into<u64> + Serialize>(self, value: T) -> u64 {
        value.into() * u64::from(self.0)
    }

    #[memoize]
    fn made<const N: u32>() -> Self {
        Self(N)
    }

    #[memoize(in_impl)]
    fn named(what: impl Display + Serialize) -> String {
        format!("scale of {what}")
    }
}

impl Serialize for Only<u8> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

struct Only<T>(T);

impl<T: Default + Display + 'static> Only<T> {
    #[memoize(in_impl)]
    fn text<U: Default + Display>(n: u32) -> String {
        format!("{} {} {n}", T::default(), U::default())
    }

    #[memoize(max = Self::MAX)]
    fn bounded(n: u32) -> u32 {
        n
    }

    const MAX: usize = size_of::<T>();
}

#[test]
fn generic_methods_are_memoized() {
    for _ in 0..2 {
        assert_eq!((Scale(2).scaled(3u8), Scale(2).scaled(3u32)), (6, 6));
        assert_eq!((Scale::made::<4>().0, Scale::made::<5>().0), (4, 5));
        assert_eq!(
            (Scale::named("a"), Scale::named(1)),
            ("scale of a".into(), "scale of 1".into())
        );
    }
    assert_eq!(Scale::scaled_memo::<u8>().get(&Scale(2).scaled_key(3u8)), Some(6));
    assert_eq!(
        (Scale::scaled_memo::<u8>().stats().hits, Scale::made_memo::<4>().stats().hits),
        (1, 1)
    );
    assert_eq!(Scale::named_memo::<&str>().get(&Scale::named_key("a")), Some("scale of a".into()));
    assert_eq!(Scale(2).scaled_uncached(4u8), 8);
}

#[test]
fn generic_functions_in_generic_impls_have_one_cache_per_instance() {
    for _ in 0..2 {
        assert_eq!(Only::<u8>::text::<String>(1), "0  1");
        assert_eq!(Only::<String>::text::<u8>(1), " 0 1");
        assert_eq!(Only::<bool>::text::<u8>(1), "false 0 1");
    }
    assert_eq!(Only::<bool>::text_memo::<u8>().stats().hits, 1);
    assert_eq!(Only::<u8>::text_memo::<u8>().stats().misses, 0);
}

#[test]
fn each_instance_has_its_own_settings() {
    for n in 0..9 {
        Only::<u8>::bounded(n);
        Only::<u32>::bounded(n);
    }
    assert_eq!((Only::<u8>::bounded_memo().len(), Only::<u32>::bounded_memo().len()), (1, 4));
    #[memoize(max = N)]
    fn few<const N: usize>(n: u32) -> u32 {
        n
    }
    assert_eq!((few_memo::<3>().max(), few_memo::<4>().max()), (Some(3), Some(4)));
}

#[test]
fn types_of_one_name_never_share_a_cache() {
    trait Tagged {
        const TAG: u32;
    }
    #[memoize]
    fn tag<T: Tagged>(n: u32) -> u32 {
        n + T::TAG
    }
    macro_rules! local {
        ($tag:literal) => {{
            struct Local;
            impl Tagged for Local {
                const TAG: u32 = $tag;
            }
            (tag::<Local>(0), tag_memo::<Local>().len())
        }};
    }
    for _ in 0..2 {
        assert_eq!((local!(1), local!(2)), ((1, 1), (2, 1)));
    }
}

#[test]
fn names_in_reports_include_the_parameters() {
    #[memoize]
    fn called<T: Serialize, const N: usize>(_: T) -> usize {
        N
    }
    called::<_, 2>(Some('a'));
    let name = called_memo::<Option<char>, 2>().stats().name;
    assert_eq!(name, "it::generic::called<core::option::Option<char>, 2>");
    let listed = memokit::report().caches().iter().filter(|stats| stats.name == name).count();
    assert_eq!(listed, 1);
}

#[test]
fn a_generic_function_can_call_itself() {
    #[memoize]
    fn steps<T: Serialize + Copy + Into<u64>, const BY: u64>(n: T, depth: u32) -> u64 {
        if depth == 0 { n.into() } else { steps::<T, BY>(n, depth - 1) + BY }
    }
    assert_eq!((steps::<u8, 2>(1, 10), steps::<u16, 3>(1, 10)), (21, 31));
    assert_eq!(steps_memo::<u8, 2>().len(), 11);
}

#[track_caller]
#[memoize]
fn line<T: Serialize>(_: T) -> u32 {
    std::panic::Location::caller().line()
}

#[test]
fn track_caller_reports_the_caller_of_a_generic_function() {
    assert_eq!(line("here"), line!());
    assert_eq!(line_uncached(2), line!());
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
struct Row(BTreeMap<String, u8>);

#[memoize(persist = folder(), durability = "os")]
fn stored<T: Default + Serialize + serde::de::DeserializeOwned + Clone + Send + Sync + 'static>(
    n: u32,
) -> (u32, T) {
    (RUN.fetch_add(1, Relaxed) + n, T::default())
}

static RUN: AtomicU32 = AtomicU32::new(0);

#[test]
fn each_instance_has_its_own_folder() {
    restarts!(
        || {
            assert_eq!((stored::<u8>(10).0, stored::<Row>(20).0), (10, 21));
            assert_eq!(std::fs::read_dir(folder()).unwrap().count(), 2);
        },
        || {
            RUN.store(100, Relaxed);
            assert_eq!((stored::<Row>(20), stored::<u8>(10)), ((21, Row::default()), (10, 0)));
            assert_eq!(stored::<u16>(10).0, 110);
            stored_memo::<u16>().health().unwrap();
            assert_eq!(stored_memo::<u8>().stats().recovered, 1);
        },
    );
}

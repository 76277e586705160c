//! `instances = "shared"`: instances of a generic function that differ only in its own parameters have one cache.

use std::fmt::{Debug, Display};
use std::future::ready;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

use crate::support::{folder, restarts, version_folder, version_folders};
use crate::tasks::block_on;

#[test]
fn five_spellings_of_a_path_are_one_computation() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(key = path.as_ref().to_owned(), instances = "shared")]
    fn load(path: impl AsRef<Path>) -> usize {
        RUNS.fetch_add(1, Relaxed);
        path.as_ref().as_os_str().len()
    }
    let owned = String::from("/etc/hosts");
    assert_eq!((load("/etc/hosts"), load(&owned), load(owned.clone())), (10, 10, 10));
    assert_eq!((load(Path::new("/etc/hosts")), load(PathBuf::from("/etc/hosts"))), (10, 10));
    assert_eq!((load("/etc"), RUNS.load(Relaxed)), (4, 2));
    let stats = load_memo().stats();
    assert_eq!((stats.name, stats.hits, stats.misses), ("it::shared_instances::load".into(), 4, 2));
    assert_eq!(load_memo().get(&load_key(owned.clone())), Some(10));
    assert!(load_memo().invalidate(&load_key(Path::new("/etc/hosts"))));
    assert_eq!((load_memo().len(), load_uncached(&owned)), (1, 10));
}

#[test]
fn type_and_const_parameters_are_shared() {
    #[memoize(key = (numbers.as_slice(), unit.as_ref()), instances = "shared", max = 2)]
    fn total<'a, const N: usize, T>(numbers: [u64; N], unit: &'a T) -> String
    where
        T: AsRef<str> + ?Sized + 'a,
    {
        format!("{} {}", numbers.iter().sum::<u64>(), unit.as_ref())
    }
    assert_eq!(
        (total([1, 2], "m"), total([1, 2], &String::from("m"))),
        ("3 m".into(), "3 m".into())
    );
    assert_eq!((total([3], "m"), total([], "m")), ("3 m".into(), "0 m".into()));
    assert_eq!((total_memo().stats().hits, total_memo().len()), (1, 2));
    assert_eq!(total_memo().get(&total_key([3], "m")), Some("3 m".into()));
}

/// The key alone counts, as with values: the source has the same answer, whatever type gives it.
#[test]
fn a_parameter_outside_the_key_makes_no_difference() {
    #[memoize(key = n, instances = "shared")]
    fn answer(n: u32, source: impl Fn(u32) -> u32) -> u32 {
        source(n)
    }
    assert_eq!((answer(1, |n| n + 1), answer(1, |n| n * 2), answer(2, |n| n + n)), (2, 2, 4));
    assert_eq!((answer_memo().stats().hits, answer_memo().len()), (1, 2));
}

/// A key may name a type parameter, and then shows it.
#[test]
fn a_key_can_tell_types_apart() {
    #[memoize(key = (size_of::<T>(), value.to_string()), instances = "shared")]
    fn width<T: Display>(value: T) -> usize {
        value.to_string().len() * size_of_val(&value)
    }
    assert_eq!((width(7u8), width(7u32), width(7i8)), (1, 4, 1));
    assert_eq!((width_memo().len(), width_memo().stats().hits), (2, 1));
}

struct Typed<T>(PhantomData<T>);

trait Named {
    const NAME: &'static str;
}

impl<T: Named + 'static> Typed<T> {
    #[memoize(key = text.as_ref(), instances = "shared")]
    fn method(&self, text: impl AsRef<str>) -> String {
        format!("{} {}", T::NAME, text.as_ref())
    }

    #[memoize(key = text.as_ref(), instances = "shared", in_impl)]
    fn associated<U: AsRef<str>>(text: U) -> String {
        format!("{} {}", T::NAME, text.as_ref())
    }

    #[memoize(key = text.as_ref(), instances = "shared", persist = folder(), durability = "os")]
    fn stored(&self, text: impl AsRef<str>) -> String {
        format!("{} {}", T::NAME, text.as_ref())
    }
}

struct First;

impl Named for First {
    const NAME: &'static str = "first";
}

/// Calls `$call` with a local type. All such types have the same name.
macro_rules! with_local {
    ($name:literal, $call:path) => {{
        struct Local;
        impl Named for Local {
            const NAME: &'static str = $name;
        }
        $call(&Typed::<Local>(PhantomData))
    }};
}

fn calls<T: Named + 'static>(typed: &Typed<T>) -> [String; 4] {
    [
        typed.method("a"),
        typed.method(String::from("a")),
        Typed::<T>::associated("a"),
        Typed::<T>::associated(String::from("a")),
    ]
}

#[test]
fn instances_of_a_generic_impl_stay_apart() {
    for _ in 0..2 {
        assert_eq!(calls(&Typed::<First>(PhantomData)), ["first a"; 4]);
        assert_eq!(with_local!("second", calls), ["second a"; 4]);
        assert_eq!(with_local!("third", calls), ["third a"; 4]);
    }
    let stats = Typed::<First>::associated_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (3, 1, 1));
    assert_eq!(
        Typed::<First>::method_memo().get(&Typed::<First>::method_key("a")),
        Some("first a".into())
    );
    assert!(
        stats
            .name
            .ends_with("associated in it::shared_instances::Typed<it::shared_instances::First>")
    );
}

trait Priced<Currency: Named> {
    fn price(&self) -> u64;

    #[memoize(key = count.to_string(), instances = "shared")]
    fn total(&self, count: impl Display) -> String {
        format!("{} {} {count}", Currency::NAME, self.price())
    }
}

struct Bread;

impl Named for Bread {
    const NAME: &'static str = "bread";
}

impl Priced<First> for Bread {
    fn price(&self) -> u64 {
        3
    }
}

impl Priced<Bread> for Bread {
    fn price(&self) -> u64 {
        4
    }
}

impl Priced<First> for u8 {
    fn price(&self) -> u64 {
        5
    }
}

#[test]
fn implementors_and_parameters_of_a_trait_stay_apart() {
    for _ in 0..2 {
        assert_eq!(Priced::<First>::total(&Bread, 1), "first 3 1");
        assert_eq!(Priced::<First>::total(&Bread, "1"), "first 3 1");
        assert_eq!(Priced::<Bread>::total(&Bread, 1), "bread 4 1");
        assert_eq!(1u8.total(1), "first 5 1");
    }
    assert_eq!(<Bread as Priced<First>>::total_memo().stats().hits, 3);
    assert_eq!(<Bread as Priced<Bread>>::total_memo().stats().hits, 1);
}

#[test]
fn a_function_inside_a_generic_function_has_one_cache() {
    fn outer<T: Debug>(value: &T) -> (String, usize) {
        #[memoize(key = format!("{value:?}"), instances = "shared")]
        fn shown(value: &impl Debug) -> String {
            format!("{value:?}")
        }
        (shown(value), shown_memo().len())
    }
    assert_eq!(
        (outer(&1u8), outer(&1u16), outer(&"1")),
        (("1".into(), 1), ("1".into(), 1), ("\"1\"".into(), 2))
    );
}

#[test]
fn a_body_that_exists_once_and_a_tracked_caller() {
    #[track_caller]
    #[memoize(key = text.as_ref(), instances = "shared")]
    fn line(text: impl AsRef<str>) -> (u32, usize) {
        (std::panic::Location::caller().line(), text.as_ref().len())
    }
    #[memoize(key = text.as_ref(), instances = "shared")]
    fn counted(text: impl AsRef<str>) -> (u32, usize) {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        (RUNS.fetch_add(1, Relaxed), text.as_ref().len())
    }
    let here = (line("ab"), line!());
    assert_eq!((here.0, line(String::from("ab"))), ((here.1, 2), (here.1, 2)));
    assert_eq!((counted("a"), counted("bc"), counted(String::from("a"))), ((0, 1), (1, 2), (0, 1)));
}

#[test]
fn tasks_share_a_cache() {
    #[memoize(key = path.as_ref().to_owned(), instances = "shared")]
    async fn read(path: impl AsRef<Path>) -> usize {
        ready(()).await;
        path.as_ref().as_os_str().len()
    }
    fn is_send(future: impl Future<Output = usize> + Send) -> usize {
        block_on(future)
    }
    assert_eq!((is_send(read("/a")), is_send(read(PathBuf::from("/a")))), (2, 2));
    assert_eq!((read_memo().stats().hits, read_memo().len()), (1, 1));
}

#[test]
fn each_thread_shares_its_own_cache() {
    #[memoize(key = text.as_ref(), instances = "shared", scope = "thread")]
    fn upper(text: impl AsRef<str>) -> Rc<String> {
        Rc::new(text.as_ref().to_uppercase())
    }
    let first = upper("a");
    assert!(Rc::ptr_eq(&first, &upper(String::from("a"))));
    assert!(Rc::ptr_eq(&first, &upper_memo().get(&upper_key("a")).expect("it is cached")));
    std::thread::scope(|scope| _ = scope.spawn(|| assert!(upper_memo().is_empty())));
}

#[test]
fn callers_of_two_instances_share_one_computation() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(key = text.as_ref(), instances = "shared")]
    fn counted(text: impl AsRef<str>) -> u32 {
        assert_eq!(text.as_ref(), "a");
        RUNS.fetch_add(1, Relaxed)
    }
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!((counted("a"), counted(Box::<str>::from("a"))), (0, 0)));
            scope.spawn(|| assert_eq!((counted(String::from("a")), counted("a")), (0, 0)));
        }
    });
    assert_eq!((RUNS.load(Relaxed), counted_memo().stats().misses), (1, 1));
}

#[test]
fn all_instances_have_one_folder() {
    #[memoize(key = text.as_ref(), instances = "shared", persist = folder(), durability = "os")]
    fn stored(text: impl AsRef<str>) -> (usize, u32) {
        (text.as_ref().len(), RUN.fetch_add(1, Relaxed))
    }
    static RUN: AtomicU32 = AtomicU32::new(0);
    restarts!(
        || {
            assert_eq!((stored("a"), stored(String::from("b"))), ((1, 0), (1, 1)));
            assert!(version_folder().join("LOCK").exists());
        },
        || {
            RUN.store(100, Relaxed);
            assert_eq!(
                (stored(String::from("a")), stored(Box::<str>::from("b"))),
                ((1, 0), (1, 1))
            );
            assert_eq!((stored("c"), stored_memo().stats().recovered), ((1, 100), 2));
            stored_memo().health().unwrap();
        },
    );
}

fn stored<T: Named + 'static>(typed: &Typed<T>) -> [String; 2] {
    let found = [typed.stored("a"), typed.stored(String::from("a"))];
    Typed::<T>::stored_memo().health().unwrap();
    found
}

fn stored_by(which: u32) -> [String; 2] {
    match which {
        2 => with_local!("second", stored),
        _ => with_local!("third", stored),
    }
}

#[test]
fn instances_of_a_generic_impl_have_a_folder_each() {
    restarts!(
        || assert_eq!(stored_by(2), ["second a"; 2]),
        || {
            assert_eq!(stored_by(3), ["third a"; 2]);
            assert_eq!(version_folders(&folder()).len(), 2);
        },
        || {
            assert_eq!(stored(&Typed::<First>(PhantomData)), ["first a"; 2]);
            assert_eq!(stored(&Typed::<First>(PhantomData)), ["first a"; 2]);
            assert_eq!(Typed::<First>::stored_memo().stats().hits, 3);
        },
    );
}

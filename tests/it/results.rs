//! Which part of a return value is cached: the `Ok` of a `Result` however its type is written, all of any other type,
//! and what `cache_if` and `cache_err` select.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use memokit::memoize;

/// An error that is not `Clone`, not `Serialize` and not `Send`.
#[derive(Debug)]
struct Odd(std::rc::Rc<u32>);

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is odd", self.0)
    }
}

impl std::error::Error for Odd {}

type Halved<T = u32> = Result<T, Odd>;

#[memoize]
fn halve(n: u32) -> Halved {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(Odd(n.into())) }
}

#[test]
fn ok_is_cached_and_err_is_not() {
    for _ in 0..3 {
        assert_eq!(halve(4).unwrap(), 2);
        assert_eq!(halve(5).unwrap_err().to_string(), "5 is odd");
    }
    let stats = halve_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.uncached, stats.entries), (2, 4, 3, 1));
    assert!(matches!(halve_memo().get(&halve_key(4)), Some(Ok(2))));
    assert!(halve_memo().get(&halve_key(5)).is_none());
}

#[test]
fn err_cannot_be_inserted() {
    #[memoize]
    fn found(n: u32) -> Result<String, Odd> {
        Ok(n.to_string())
    }
    let memo = found_memo();
    assert!(!memo.insert(&found_key(1), Err(Odd(1.into()))));
    assert!(memo.insert(&found_key(1), Ok("one".into())));
    assert_eq!(found(1).unwrap(), "one");
    // A rejected error leaves the present value.
    assert!(!memo.insert(&found_key(1), Err(Odd(1.into()))));
    assert_eq!(found(1).unwrap(), "one");
}

#[test]
fn ok_values_are_read_inserted_and_removed_without_their_ok() {
    #[memoize(cache_err)]
    fn found(n: u32) -> Result<u32, String> {
        if n < 10 { Ok(n) } else { Err("large".into()) }
    }
    let _ = (found(1), found(2), found(10));
    let memo = found_memo();
    assert_eq!((memo.get_ok(&found_key(2)), memo.get_ok(&found_key(3))), (Some(2), None));
    assert!(memo.get_ok(&found_key(10)).is_none());
    assert!(memo.insert_ok(&found_key(3), 33));
    assert_eq!(found(3).unwrap(), 33);
    memo.retain_ok(|_, &value| value > 1);
    assert_eq!((memo.get_ok(&found_key(1)), memo.get_ok(&found_key(2))), (None, Some(2)));
    assert!(matches!(memo.get(&found_key(10)), Some(Err(_))), "errors are not judged");
}

macro_rules! result_type_test {
    ($test:ident, $type:ty, $ok:expr, $err:expr) => {
        #[test]
        fn $test() {
            static RUNS: AtomicU32 = AtomicU32::new(0);
            #[memoize]
            fn answer(good: bool) -> $type {
                RUNS.fetch_add(1, Relaxed);
                if good { $ok } else { $err }
            }
            assert!(answer(true).is_ok() && answer(true).is_ok());
            assert_eq!(RUNS.load(Relaxed), 1);
            assert!(answer(false).is_err() && answer(false).is_err());
            assert_eq!(RUNS.load(Relaxed), 3);
            assert_eq!(answer_memo().len(), 1);
        }
    };
}

result_type_test!(an_alias_with_a_default_caches_only_ok, Halved, Ok(1), Err(Odd(1.into())));
result_type_test!(
    an_alias_with_an_argument_caches_only_ok,
    Halved<String>,
    Ok(String::new()),
    Err(Odd(1.into()))
);
result_type_test!(
    io_result_caches_only_ok,
    io::Result<Vec<u8>>,
    Ok(vec![]),
    Err(io::Error::other("no"))
);
result_type_test!(fmt_result_caches_only_ok, fmt::Result, Ok(()), Err(fmt::Error));
result_type_test!(
    a_result_with_a_boxed_error_caches_only_ok,
    Result<u32, Box<dyn std::error::Error>>,
    Ok(1),
    Err("no".into())
);
result_type_test!(
    a_result_with_its_full_path_caches_only_ok,
    ::std::result::Result<(u32, String), ()>,
    Ok((1, String::new())),
    Err(())
);
result_type_test!(
    a_nested_result_caches_only_the_outer_ok,
    Result<Result<u32, u32>, Odd>,
    Ok(Err(3)),
    Err(Odd(1.into()))
);

#[test]
fn an_inner_err_is_cached_as_a_value() {
    #[memoize]
    fn deep(n: u32) -> Result<Result<u32, u32>, Odd> {
        Ok(Err(n))
    }
    assert_eq!((deep(1).unwrap(), deep(1).unwrap()), (Err(1), Err(1)));
    assert_eq!(deep_memo().stats().hits, 1);
}

#[test]
fn none_unit_and_options_of_results_are_cached() {
    #[memoize]
    fn none(n: u32) -> Option<String> {
        (n > 1).then(|| n.to_string())
    }
    #[memoize]
    fn unit(_n: u32) {}
    #[memoize]
    fn option(n: u32) -> Option<Result<u32, String>> {
        Some(Err(n.to_string()))
    }
    for _ in 0..2 {
        assert_eq!(none(1), None);
        unit(1);
        assert_eq!(option(1), Some(Err("1".into())));
    }
    assert_eq!(none_memo().stats().hits, 1);
    assert_eq!(none_memo().get(&none_key(1)), Some(None));
    assert_eq!(unit_memo().stats().hits, 1);
    assert_eq!(unit_memo().get(&unit_key(1)), Some(()));
    assert_eq!(option_memo().stats().hits, 1);
}

#[test]
fn an_error_from_a_question_mark_is_not_cached() {
    #[memoize]
    fn sum(text: &str) -> Result<u32, std::num::ParseIntError> {
        let mut sum = 0;
        for part in text.split('+') {
            sum += part.parse::<u32>()?;
        }
        Ok(sum)
    }
    assert_eq!((sum("1+2"), sum("1+2")), (Ok(3), Ok(3)));
    assert!(sum("1+x").is_err() && sum("1+x").is_err());
    assert_eq!((sum_memo().stats().hits, sum_memo().stats().misses), (1, 3));
}

fn is_some(found: &Option<u32>) -> bool {
    found.is_some()
}

#[test]
fn cache_if_decides_what_is_cached() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(cache_if = is_some)]
    fn find(n: u32) -> Option<u32> {
        RUNS.fetch_add(1, Relaxed);
        (n > 1).then_some(n)
    }
    assert_eq!((find(1), find(1), find(2), find(2)), (None, None, Some(2), Some(2)));
    assert_eq!(RUNS.load(Relaxed), 3);
    let stats = find_memo().stats();
    assert_eq!((stats.hits, stats.uncached, stats.entries), (1, 2, 1));
}

#[test]
fn cache_if_sees_the_whole_result_and_never_caches_errors() {
    #[memoize(cache_if = |found| !matches!(found, Ok(0)))]
    fn find(n: i32) -> Result<i32, String> {
        if n < 0 { Err("below".into()) } else { Ok(n) }
    }
    for _ in 0..2 {
        assert_eq!((find(0), find(1), find(-1)), (Ok(0), Ok(1), Err("below".into())));
    }
    assert_eq!((find_memo().len(), find_memo().stats().hits), (1, 1));
}

#[test]
fn cache_err_caches_errors_too() {
    #[memoize(cache_err)]
    fn find(n: i32) -> Result<i32, String> {
        if n < 0 { Err("below".into()) } else { Ok(n) }
    }
    for _ in 0..2 {
        assert_eq!((find(1), find(-1)), (Ok(1), Err("below".into())));
    }
    assert_eq!((find_memo().len(), find_memo().stats().hits), (2, 2));
    assert_eq!(find_memo().get(&find_key(-1)), Some(Err("below".into())));
    assert!(find_memo().insert(&find_key(5), Err("no".into())));
    assert_eq!(find(5), Err("no".into()));
}

#[test]
fn cache_err_with_a_time_expires_errors() {
    #[memoize(cache_err = "30ms")]
    fn find(n: i32) -> Result<i32, String> {
        if n < 0 { Err("below".into()) } else { Ok(n) }
    }
    assert_eq!((find(1), find(-1)), (Ok(1), Err("below".into())));
    sleep(Duration::from_millis(80));
    assert_eq!(find_memo().get(&find_key(-1)), None);
    assert_eq!(find_memo().get(&find_key(1)), Some(Ok(1)));
}

#[test]
fn the_shorter_of_cache_err_and_ttl_applies() {
    #[memoize(cache_err = "1h", ttl = "30ms")]
    fn find(n: i32) -> Result<i32, String> {
        if n < 0 { Err("below".into()) } else { Ok(n) }
    }
    assert_eq!((find(1), find(-1)), (Ok(1), Err("below".into())));
    sleep(Duration::from_millis(80));
    assert!(find_memo().is_empty());
}

#[test]
fn cache_err_works_with_aliases_and_cache_if() {
    type Found = io::Result<u32>;
    #[derive(Clone, Debug, PartialEq)]
    struct Fail(bool);
    type Checked = Result<u32, Fail>;
    #[memoize]
    fn plain(_n: u32) -> Found {
        Err(io::Error::other("no"))
    }
    #[memoize(cache_err, cache_if = |found| *found != Err(Fail(true)))]
    fn checked(passing: bool) -> Checked {
        Err(Fail(passing))
    }
    assert!(plain(1).is_err() && plain_memo().is_empty());
    assert_eq!((checked(true), checked(false)), (Err(Fail(true)), Err(Fail(false))));
    assert_eq!(checked_memo().len(), 1);
    assert_eq!(checked_memo().get(&checked_key(false)), Some(Err(Fail(false))));
}

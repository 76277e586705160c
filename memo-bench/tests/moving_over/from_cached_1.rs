//! cached before 2.0, which cannot be built beside 4.1 under one name. What it did is told by its own guide from 1.1 to
//! 2.0: "option = true" and "result = true" were needed to leave `None` and `Err` out.

use memokit::memoize;

#[test]
fn old_result() {
    #[memoize]
    fn here(_: u64) -> Result<u64, ()> {
        Err(())
    }
    assert_eq!((here(0), here(0), here_memo().stats().misses), (Err(()), Err(()), 2));
}

#[test]
fn old_result_kept() {
    #[memoize(cache_err)]
    fn here(_: u64) -> Result<u64, ()> {
        Err(())
    }
    assert_eq!((here(0), here(0), here_memo().stats().misses), (Err(()), Err(()), 1));
}

#[test]
fn old_option() {
    #[memoize(cache_if = Option::is_some)]
    fn here(_: u64) -> Option<u64> {
        None
    }
    assert_eq!((here(0), here(0), here_memo().stats().misses), (None, None, 2));
}

#[test]
fn old_option_kept() {
    #[memoize]
    fn here(_: u64) -> Option<u64> {
        None
    }
    assert_eq!((here(0), here(0), here_memo().stats().misses), (None, None, 1));
}

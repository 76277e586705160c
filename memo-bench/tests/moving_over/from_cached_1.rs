//! cached before 2.0, which is not built here: our side. Its side was tried with cached 0.56 and 1.1, where a function
//! that returns `None` or `Err` is computed once unless it has `option = true` or `result = true`.

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

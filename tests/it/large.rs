//! Results of one megabyte by value fit on the stack of a main thread.

use std::thread;

use memokit::memoize;

const MEGABYTE: usize = 1 << 20;

type Block = [u8; MEGABYTE];

#[memoize]
fn block(n: u8) -> Block {
    [n; MEGABYTE]
}

#[memoize]
fn checked(n: u8) -> Result<Block, String> {
    if n == 0 { Err("none".into()) } else { Ok([n; MEGABYTE]) }
}

#[memoize(max = 2)]
fn shown<const N: usize>(n: u8) -> [u8; N] {
    [n; N]
}

/// Runs `f` on a stack of 8 MiB, which is what a main thread has.
fn with_main_thread_stack(f: fn()) {
    thread::Builder::new().stack_size(8 << 20).spawn(f).unwrap().join().unwrap();
}

#[test]
fn large_arrays_are_cached() {
    with_main_thread_stack(|| {
        for n in [1, 2, 1] {
            assert_eq!(block(n)[MEGABYTE - 1], n);
        }
        assert_eq!((block_memo().stats().hits, block_memo().len()), (1, 2));
        assert_eq!(block_memo().get(&block_key(2)).map(|block| block[0]), Some(2));
        assert!(block_memo().invalidate(&block_key(2)));
    });
}

#[test]
fn large_arrays_in_a_result_are_cached() {
    with_main_thread_stack(|| {
        for n in [1, 0, 1] {
            assert_eq!(checked(n).map_or(0, |block| block[7]), n);
        }
        assert_eq!((checked_memo().stats().hits, checked_memo().len()), (1, 1));
    });
}

#[test]
fn large_arrays_of_a_generic_function_are_cached() {
    with_main_thread_stack(|| {
        for n in [1, 2, 3, 3] {
            assert_eq!(shown::<MEGABYTE>(n)[0], n);
        }
        assert_eq!((shown_memo::<MEGABYTE>().stats().hits, shown_memo::<MEGABYTE>().len()), (1, 2));
    });
}

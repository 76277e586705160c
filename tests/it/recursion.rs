//! Functions that call themselves, directly or through others, are memoized.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use memokit::memoize;
use rayon::prelude::*;

use crate::support::{wait_until, with_timeout};

#[memoize]
fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

#[test]
fn each_recursive_step_is_computed_once() {
    assert_eq!(with_timeout(|| fib(90)), 2_880_067_194_370_816_120);
    assert_eq!(fib_memo().stats().misses, 91);
    assert_eq!(fib_memo().len(), 91);
}

#[memoize(max = 5)]
fn bounded_fib(n: u64) -> u64 {
    if n < 2 { n } else { bounded_fib(n - 1) + bounded_fib(n - 2) }
}

#[test]
fn recursion_deeper_than_the_bound_finishes() {
    assert_eq!(with_timeout(|| bounded_fib(90)), 2_880_067_194_370_816_120);
    assert_eq!(bounded_fib_memo().len(), 5);
}

#[memoize]
fn even(n: u32) -> bool {
    n == 0 || odd(n - 1)
}

#[memoize]
fn odd(n: u32) -> bool {
    n != 0 && even(n - 1)
}

#[test]
fn two_functions_may_call_each_other() {
    assert!(with_timeout(|| even(80) && odd(81)));
    assert_eq!(even_memo().stats().misses, 41);
    assert_eq!(odd_memo().stats().misses, 41);
}

#[memoize]
fn inside(n: u64) -> u64 {
    #[memoize]
    fn power(base: u64, exponent: u32) -> u64 {
        if exponent == 0 { 1 } else { base * power(base, exponent - 1) }
    }
    power(n, 5)
}

#[test]
fn a_memoized_function_may_contain_another() {
    assert_eq!((inside(3), inside(3), inside(2)), (243, 243, 32));
    assert_eq!(inside_memo().stats().hits, 1);
}

struct Tree {
    children: Vec<usize>,
}

#[memoize(skip(trees))]
fn depth(trees: &[Tree], root: usize) -> usize {
    trees[root].children.iter().map(|&child| depth(trees, child)).max().unwrap_or(0) + 1
}

#[test]
fn recursion_through_closures_and_borrows_is_memoized() {
    let tree = |children: &[usize]| Tree { children: children.to_vec() };
    let trees = [tree(&[1, 2]), tree(&[3]), tree(&[3]), tree(&[])];
    assert_eq!(depth(&trees, 0), 3);
    assert_eq!(depth_memo().stats().misses, 4);
    assert_eq!(depth_memo().stats().hits, 1);
}

/// The stages of a round of [`step`].
const RIGHT: u32 = 1;
const INNER: u32 = 2;
const AGAIN: u32 = 3;
static STAGE: AtomicU32 = AtomicU32::new(0);

fn reach(stage: u32) {
    STAGE.store(stage, SeqCst);
}

fn await_stage(stage: u32) {
    wait_until("the next stage is reached", || STAGE.load(SeqCst) >= stage);
}

/// In a pool of two threads, leads into a cycle that no wait shows: one thread leads `(round, 2)` and waits, in a join,
/// for a job that the other thread has begun. On top of that job, the other thread has taken up a job that calls
/// `(round, 2)`.
#[memoize]
fn step(round: u32, part: u32) -> u32 {
    match part {
        // A caller that ends the cycle.
        2 if STAGE.load(SeqCst) == AGAIN => 3,
        0 => step(round, 9),
        1 => {
            let inner = || {
                reach(INNER);
                rayon::spawn(move || {
                    reach(AGAIN);
                    step(round, 2);
                });
                await_stage(AGAIN);
                1
            };
            let (left, right) = rayon::join(
                || {
                    await_stage(INNER);
                    1
                },
                inner,
            );
            left + right
        }
        2 => {
            let right = || {
                reach(RIGHT);
                step(round, 1)
            };
            let (left, right) = rayon::join(
                || {
                    await_stage(RIGHT);
                    1
                },
                right,
            );
            left + right
        }
        _ => 1,
    }
}

#[test]
fn a_recursive_function_whose_jobs_a_pool_stole_ends_soon() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let begin = Instant::now();
    with_timeout(move || {
        for round in 0..20 {
            step(round, 0);
            STAGE.store(0, SeqCst);
            assert_eq!(pool.install(|| step(round, 2)), 3);
        }
    });
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[memoize]
fn paths(round: u32, depth: u32, at: u32) -> u64 {
    if depth == 0 {
        let end = Instant::now() + Duration::from_micros(100);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        return 1;
    }
    (0..4).into_par_iter().map(|child| paths(round, depth - 1, (at * 3 + child) % 8)).sum()
}

#[test]
fn parallel_recursion_does_not_stall() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
    let times = with_timeout(move || {
        let round = |round| {
            let begin = Instant::now();
            assert_eq!(pool.install(|| paths(round, 6, 0)), 4096);
            begin.elapsed()
        };
        (0..200).map(round).collect::<Vec<_>>()
    });
    let stalls = times.iter().filter(|time| **time >= Duration::from_millis(900)).count();
    assert_eq!(stalls, 0, "{:?}", times.iter().max());
    assert_eq!(paths_memo().computing(), 0);
}

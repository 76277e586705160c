//! Functions that call themselves, directly or through others, are memoized.

use memokit::memoize;

use crate::support::with_timeout;

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

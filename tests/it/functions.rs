//! Free and nested functions with all kinds of parameters are memoized.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;
use serde::Serialize;

static FREE: AtomicU32 = AtomicU32::new(0);

#[memoize]
fn free(text: &str, times: usize) -> String {
    FREE.fetch_add(1, Relaxed);
    text.repeat(times)
}

#[test]
fn a_second_call_is_answered_from_the_cache() {
    assert_eq!(free("ab", 2), "abab");
    assert_eq!(free("ab", 2), "abab");
    assert_eq!(FREE.load(Relaxed), 1);
    assert_eq!(free("ab", 3), "ababab");
    assert_eq!(free("a", 2), "aa");
    assert_eq!(FREE.load(Relaxed), 3);
}

#[test]
fn a_nested_function_sees_the_items_around_it() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    const FACTOR: u64 = 3;
    #[memoize(max = 3)]
    fn triple(n: u64) -> u64 {
        RUNS.fetch_add(1, Relaxed);
        n * FACTOR
    }
    assert_eq!((triple(2), triple(2), triple(3)), (6, 6, 9));
    assert_eq!(RUNS.load(Relaxed), 2);
    assert_eq!(triple_memo().len(), 2);
}

#[test]
fn functions_in_closures_and_blocks_are_memoized() {
    let by_closure = |n: u32| {
        #[memoize]
        fn inner(n: u32) -> u32 {
            n + 1
        }
        (inner(n), inner_memo().len())
    };
    assert_eq!(by_closure(1), (2, 1));
    assert_eq!(by_closure(1), (2, 1));
    let by_block = {
        #[memoize]
        fn inner(n: u32) -> u32 {
            n + 2
        }
        inner(1)
    };
    assert_eq!(by_block, 3);
}

#[test]
fn a_function_without_parameters_is_memoized() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn nothing() -> u32 {
        RUNS.fetch_add(1, Relaxed) + 7
    }
    assert_eq!((nothing(), nothing()), (7, 7));
    assert!(nothing_memo().invalidate(&nothing_key()));
    assert_eq!(nothing(), 8);
}

#[test]
fn a_function_without_a_result_runs_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize]
    fn once(_tag: u8) {
        RUNS.fetch_add(1, Relaxed);
    }
    once(1);
    once(1);
    assert_eq!(RUNS.load(Relaxed), 1);
    once(2);
    assert_eq!(RUNS.load(Relaxed), 2);
}

#[test]
fn all_fifteen_parameters_are_part_of_the_key() {
    #[memoize]
    #[allow(clippy::too_many_arguments)]
    fn digits(
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
        n: u8,
        o: u8,
    ) -> Vec<u8> {
        vec![a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]
    }
    let call = |d: [u8; 15]| {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = d;
        digits(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
    };
    assert_eq!(call([0; 15]), [0; 15]);
    for place in 0..15 {
        let mut wanted = [0; 15];
        wanted[place] = 1;
        assert_eq!(call(wanted), wanted);
    }
    assert_eq!(digits_memo().len(), 16);
}

#[derive(Serialize, Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}

#[test]
fn arguments_behind_patterns_are_keyed_in_full() {
    #[memoize]
    fn area(Point { x, y }: Point, (w, _): (i32, i32), [first, ..]: [i32; 3], _: u8) -> i32 {
        x * y + w + first
    }
    let p = Point { x: 2, y: 3 };
    assert_eq!(area(p, (4, 0), [5, 0, 0], 0), 15);
    assert_eq!(area(p, (4, 0), [5, 0, 0], 0), 15);
    // A part that the pattern ignores still belongs to the key.
    assert_eq!(area(p, (4, 1), [5, 0, 0], 0), 15);
    assert_eq!(area(p, (4, 0), [5, 1, 0], 0), 15);
    assert_eq!(area(p, (4, 0), [5, 0, 0], 1), 15);
    assert_eq!(area_memo().len(), 4);
    assert_eq!(area_memo().get(&area_key(p, (4, 1), [5, 0, 0], 0)), Some(15));
    assert_eq!(area_uncached(p, (4, 0), [5, 0, 0], 0), 15);
}

#[test]
fn mutable_parameters_are_keyed_by_the_passed_value() {
    #[memoize]
    fn counted(mut n: u32, (mut a, b): (u32, u32), mut text: String) -> String {
        n += 1;
        a += b;
        text.push('!');
        format!("{n} {a} {text}")
    }
    assert_eq!(counted(1, (2, 3), "x".into()), "2 5 x!");
    assert_eq!(counted(1, (2, 3), "x".into()), "2 5 x!");
    assert_eq!(counted_memo().stats().hits, 1);
    assert!(counted_memo().get(&counted_key(1, (2, 3), "x".into())).is_some());
    assert!(counted_memo().get(&counted_key(2, (5, 3), "x!".into())).is_none());
}

#[test]
fn reference_and_binding_patterns_are_accepted() {
    #[memoize]
    #[allow(clippy::toplevel_ref_arg)]
    fn sum(&a: &u32, ref b: u32, whole @ (c, _): (u32, u32)) -> u32 {
        a + b + c + whole.1
    }
    assert_eq!((sum(&1, 2, (3, 4)), sum(&1, 2, (3, 4))), (10, 10));
    assert_eq!(sum_memo().stats().hits, 1);
}

#[test]
fn borrowed_parameters_with_lifetimes_are_keyed_by_content() {
    #[memoize]
    #[allow(clippy::needless_pass_by_value)]
    fn joined<'a, 'b>(a: &'a str, b: &'b [&'b str], c: Cow<'a, str>, d: &&u32) -> String
    where
        'b: 'a,
    {
        format!("{a}{}{c}{d}", b.concat())
    }
    let owned = String::from("a");
    let first = joined(&owned, &["b", "c"], Cow::Borrowed("d"), &&1);
    drop(owned);
    let second = joined("a", &["b", "c"], Cow::Owned("d".into()), &&1);
    assert_eq!((first.as_str(), second.as_str()), ("abcd1", "abcd1"));
    assert_eq!(joined_memo().stats().hits, 1);
}

#[test]
fn a_static_borrow_may_be_returned() {
    #[memoize]
    fn word(n: u8) -> &'static str {
        if n == 0 { "none" } else { "some" }
    }
    assert_eq!((word(0), word(1), word(1)), ("none", "some", "some"));
}

#[test]
fn arguments_need_neither_hash_nor_eq() {
    #[memoize]
    fn total(weights: &HashMap<String, f64>, scale: f64, by: &BTreeMap<u8, Point>) -> f64 {
        weights.values().sum::<f64>() * scale + f64::from(by.values().map(|p| p.x).sum::<i32>())
    }
    let map = |order: [(&str, f64); 2]| order.map(|(k, v)| (k.to_owned(), v)).into();
    let by = BTreeMap::from([(1, Point { x: 1, y: 1 })]);
    assert_eq!(total(&map([("a", 1.0), ("b", 2.0)]), 2.0, &by), 7.0);
    assert_eq!(total(&map([("b", 2.0), ("a", 1.0)]), 2.0, &by), 7.0);
    assert_eq!(total_memo().stats().hits, 1);
    assert_eq!(total(&map([("b", 1.0), ("a", 2.0)]), 2.0, &by), 7.0);
    assert_eq!(total_memo().stats().misses, 2);
}

#[test]
fn results_of_early_returns_and_question_marks_are_cached() {
    #[memoize]
    fn parsed(text: &str) -> Option<u32> {
        if text.is_empty() {
            return Some(0);
        }
        let head = text.split(',').next()?;
        for part in text.split(',') {
            if part == "stop" {
                return None;
            }
        }
        head.parse().ok()
    }
    for _ in 0..2 {
        assert_eq!(parsed(""), Some(0));
        assert_eq!(parsed("5,6"), Some(5));
        assert_eq!(parsed("5,stop"), None);
        assert_eq!(parsed("x"), None);
    }
    assert_eq!((parsed_memo().stats().hits, parsed_memo().stats().misses), (4, 4));
}

#[test]
fn a_memoized_function_can_be_passed_as_a_value() {
    #[memoize]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert_eq!([1, 2, 2].map(square), [1, 4, 4]);
    let pointer: fn(u64) -> u64 = square;
    assert_eq!(pointer(2), 4);
    assert_eq!(square_memo().stats().hits, 2);
}

//! Arrays of any length as arguments, also those that serde does not serialize.

use memokit::memoize;
use serde::Serialize;

#[memoize]
fn by_reference(numbers: &[f64; 64]) -> f64 {
    numbers.iter().sum()
}

#[memoize]
fn by_value(words: [String; 40], last: u8) -> String {
    words[usize::from(last)].clone()
}

#[memoize]
fn of_any_length<const N: usize>(numbers: &[f64; N]) -> usize {
    numbers.len()
}

#[memoize(key = matrix.rows)]
fn by_key(matrix: &Matrix) -> f64 {
    matrix.rows[0] + matrix.rows[99]
}

struct Matrix {
    rows: [f64; 100],
}

#[memoize]
fn generic<T: Serialize + Copy + Into<u64>, const N: usize>(numbers: [T; N]) -> u64 {
    numbers.into_iter().map(Into::into).sum()
}

#[memoize]
async fn asynchronous(numbers: [i64; 33]) -> i64 {
    numbers.iter().sum()
}

#[test]
fn long_arrays_make_keys() {
    let (mut numbers, ones) = ([0.0; 64], [1.0; 64]);
    assert_eq!(
        [by_reference(&numbers), by_reference(&ones), by_reference(&ones)],
        [0.0, 64.0, 64.0]
    );
    numbers[63] = 1.0;
    assert_eq!(by_reference(&numbers), 1.0);
    let stats = by_reference_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.unkeyable), (1, 3, 0));
    assert!(by_reference_memo().get(&by_reference_key(&numbers)).is_some());

    let words = || std::array::from_fn(|n| n.to_string());
    assert_eq!((by_value(words(), 39), by_value(words(), 39)), ("39".to_owned(), "39".to_owned()));
    assert_eq!(by_value_memo().stats().hits, 1);

    assert_eq!(by_key(&Matrix { rows: [2.0; 100] }), 4.0);
    assert_eq!(by_key(&Matrix { rows: [2.0; 100] }), 4.0);
    assert_eq!(by_key_memo().stats().hits, 1);

    assert_eq!(smol::block_on(asynchronous([3; 33])), 99);
    assert_eq!(smol::block_on(asynchronous([3; 33])), 99);
    assert_eq!(asynchronous_memo().stats().hits, 1);
}

#[test]
fn arrays_of_a_generic_length_make_keys() {
    assert_eq!(of_any_length(&[1.0; 3]), 3);
    assert_eq!(of_any_length(&[1.0; 300]), 300);
    assert_eq!(of_any_length(&[1.0; 300]), 300);
    assert_eq!(of_any_length_memo::<300>().stats().hits, 1);
    assert_eq!(generic([1_u32; 50]), 50);
    assert_eq!(generic([1_u32; 50]), 50);
    assert_eq!(generic_memo::<u32, 50>().stats().hits, 1);
}

/// The length decides nothing about the encoding.
#[test]
fn a_long_array_has_the_key_of_its_slice() {
    #[memoize]
    fn slice(numbers: &[f64]) -> usize {
        numbers.len()
    }
    assert_eq!(slice_key(&[1.0; 64]), by_reference_key(&[1.0; 64]));
    assert_eq!(slice_key(&[1.0; 3]), of_any_length_key(&[1.0; 3]));
}

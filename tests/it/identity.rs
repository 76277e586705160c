//! Functions that look alike never share a cache.

use memokit::memoize;

mod left {
    use memokit::memoize;

    #[memoize]
    pub(super) fn side(_n: u32) -> &'static str {
        "left"
    }
}

mod right {
    use memokit::memoize;

    #[memoize]
    pub(super) fn side(_n: u32) -> &'static str {
        "right"
    }
}

#[test]
fn one_name_in_two_modules() {
    for _ in 0..2 {
        assert_eq!((left::side(1), right::side(1)), ("left", "right"));
    }
    assert_eq!(left::side_memo().get(&left::side_key(1)), Some("left"));
    assert_eq!(right::side_memo().get(&right::side_key(1)), Some("right"));
}

fn first(n: u32) -> (u32, usize) {
    #[memoize]
    fn inner(n: u32) -> u32 {
        n + 1
    }
    (inner(n), inner_memo().len())
}

fn second(n: u32) -> (u32, usize) {
    #[memoize]
    fn inner(n: u32) -> u32 {
        n + 2
    }
    (inner(n), inner_memo().len())
}

#[test]
fn one_name_nested_in_two_functions() {
    assert_eq!((first(1), second(1)), ((2, 1), (3, 1)));
    assert_eq!((first(1), second(1)), ((2, 1), (3, 1)));
}

macro_rules! constant {
    ($module:ident, $value:expr) => {
        mod $module {
            #[memokit::memoize]
            pub(super) fn constant() -> u32 {
                $value
            }
        }
    };
}

constant!(one, 1);
constant!(two, 2);

#[test]
fn one_place_in_a_macro_used_twice() {
    for _ in 0..2 {
        assert_eq!((one::constant(), two::constant()), (1, 2));
    }
    assert_eq!(one::constant_memo().get(&one::constant_key()), Some(1));
    assert_eq!(two::constant_memo().get(&two::constant_key()), Some(2));
}

macro_rules! blocks {
    ($($value:expr),*) => {
        [$({
            #[memokit::memoize]
            fn block() -> u32 {
                $value
            }
            (block(), block_memo().len())
        }),*]
    };
}

#[test]
fn one_place_repeated_within_one_function() {
    assert_eq!(blocks!(1, 2, 3), [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(blocks!(4, 4), [(4, 1), (4, 1)]);
}

#[test]
fn one_name_given_to_two() {
    #[memoize(name = "it::twins")]
    fn a(n: u32) -> u32 {
        n + 1
    }
    #[memoize(name = "it::twins")]
    fn b(n: u32) -> u32 {
        n + 2
    }
    assert_eq!((a(1), b(1), a(1), b(1)), (2, 3, 2, 3));
    assert_eq!((a_memo().len(), b_memo().len()), (1, 1));
}

/// A type for each implementor, in one macro: one file, one line, one text.
macro_rules! types {
    ($($name:ident $value:expr;)*) => {$(
        struct $name;
        impl $name {
            #[memokit::memoize]
            fn value() -> u32 {
                $value
            }
        }
    )*};
}

types! {
    A 1;
    B 2;
}

#[test]
fn associated_functions_made_by_a_macro() {
    assert_eq!((A::value(), B::value(), A::value(), B::value()), (1, 2, 1, 2));
    assert_eq!(A::value_memo().get(&A::value_key()), Some(1));
    assert_eq!(B::value_memo().get(&B::value_key()), Some(2));
}

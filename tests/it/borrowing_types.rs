//! Methods of types that borrow, are unsized, or have `where` clauses are memoized.

use std::marker::PhantomData;

use memokit::memoize;
use serde::Serialize;

#[derive(Serialize, Clone, Copy)]
struct View<'a> {
    text: &'a str,
}

impl<'a> View<'a> {
    #[memoize]
    fn words(&self) -> usize {
        self.text.split(' ').count()
    }

    #[memoize]
    fn letters(text: &'a str) -> usize {
        text.len()
    }

    #[memoize(key = (self.text, other.text))]
    fn joined<'b>(self, other: &'b View<'a>) -> String
    where
        'a: 'b,
    {
        format!("{}{}", self.text, other.text)
    }

    #[memoize(skip(_view))]
    fn made(n: usize, _view: Self) -> String {
        "x".repeat(n)
    }
}

#[test]
fn methods_of_a_borrowing_type_are_memoized() {
    let call = |text: &str| {
        let view = View { text };
        (view.words(), View::letters(text), view.joined(&view), View::made(2, view))
    };
    for text in ["a b", "c"] {
        let first = call(text);
        // The same text at another address.
        let elsewhere: String = text.chars().collect();
        assert_eq!(first, call(&elsewhere));
        assert_eq!(first.0, text.split(' ').count());
    }
    assert_eq!((View::words_memo().len(), View::words_memo().stats().hits), (2, 2));
    assert_eq!((View::letters_memo().len(), View::letters_memo().stats().hits), (2, 2));
    assert_eq!((View::joined_memo().len(), View::joined_memo().stats().hits), (2, 2));
    assert_eq!((View::made_memo().len(), View::made_memo().stats().hits), (1, 3));
}

struct Typed<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> Typed<T> {
    #[memoize]
    fn name(n: u32) -> String {
        format!("{}{n}", std::any::type_name::<T>())
    }

    #[memoize(companion = none)]
    fn bare(n: u32) -> String {
        Self::name_uncached(n)
    }
}

#[test]
fn type_parameters_may_borrow_or_be_unsized() {
    for _ in 0..2 {
        assert_eq!(Typed::<str>::name(1), "str1");
        assert_eq!(Typed::<[u8]>::name(1), "[u8]1");
        assert_eq!(Typed::<&u8>::name(1), "&u81");
        assert_eq!(Typed::<str>::bare(1), "str1");
        assert_eq!(Typed::<dyn Fn() -> u8>::bare(1), "dyn core::ops::function::Fn() -> u81");
    }
}

trait Scaled: Serialize {
    const FACTOR: u32;

    #[memoize(companion = none)]
    fn scaled(&self, n: u32) -> u32
    where
        Self: Sized,
    {
        n * Self::FACTOR
    }
}

#[derive(Serialize)]
struct One;

#[derive(Serialize)]
struct Two;

impl Scaled for One {
    const FACTOR: u32 = 1;
}

impl Scaled for Two {
    const FACTOR: u32 = 2;
}

#[test]
fn a_default_method_may_have_a_where_clause() {
    assert_eq!((One.scaled(5), Two.scaled(5), One.scaled(5)), (5, 10, 5));
}

#[derive(Serialize)]
struct Fixed<const N: usize>([u8; 32]);

impl<const N: usize> Fixed<N> {
    const LIMIT: usize = N;

    #[memoize(key = n)]
    fn limit(&self, n: usize) -> usize {
        n + Self::LIMIT + self.0.len()
    }
}

#[test]
fn a_method_sees_constants_of_its_type() {
    assert_eq!((Fixed::<1>([0; 32]).limit(1), Fixed::<2>([0; 32]).limit(1)), (34, 35));
    assert_eq!((Fixed::<1>::limit_memo().len(), Fixed::<3>::limit_memo().len()), (1, 0));
}

//! How a cache holds values.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::requirements::{Cacheable, LocalCacheable};

/// Types that the table holds in place: small, and cloned by copying bytes.
pub trait Inline: Copy + Send + Sync + 'static {}

macro_rules! inline {
    ($($type:ty),*) => { $(impl Inline for $type {})* };
}
inline!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, ());
inline!(Duration);
impl<T: Inline> Inline for Option<T> {}
impl<A: Inline> Inline for (A,) {}
impl<A: Inline, B: Inline> Inline for (A, B) {}
impl<A: Inline, B: Inline, C: Inline> Inline for (A, B, C) {}

/// How a cache holds values.
pub trait Holder<V>: 'static {
    /// Clones and drops without running code of the user's while others hold it.
    type Held: Clone + 'static;
    /// Holds a copy.
    fn copy(value: &V) -> Self::Held;
    /// Holds the value itself.
    fn own(value: V) -> Self::Held;
    /// What is held.
    fn view(held: &Self::Held) -> &V;
    /// A copy of what is held.
    fn give(held: &Self::Held) -> V;
}

/// In the table.
#[derive(Debug)]
pub struct InPlace;

impl<V: Inline> Holder<V> for InPlace {
    type Held = V;
    #[inline]
    fn copy(value: &V) -> V {
        *value
    }
    #[inline]
    fn own(value: V) -> V {
        value
    }
    #[inline]
    fn view(held: &V) -> &V {
        held
    }
    #[inline]
    fn give(held: &V) -> V {
        *held
    }
}

/// InArc an `Arc`.
#[derive(Debug)]
pub struct InArc;

impl<V: Cacheable> Holder<V> for InArc {
    type Held = Arc<V>;
    fn copy(value: &V) -> Arc<V> {
        Arc::new(value.clone())
    }
    fn own(value: V) -> Arc<V> {
        Arc::new(value)
    }
    #[inline]
    fn view(held: &Arc<V>) -> &V {
        held
    }
    #[inline]
    fn give(held: &Arc<V>) -> V {
        V::clone(held)
    }
}

/// InArc an `Rc`, in a thread's own cache.
#[derive(Debug)]
pub struct InRc;

impl<V: LocalCacheable> Holder<V> for InRc {
    type Held = Rc<V>;
    fn copy(value: &V) -> Rc<V> {
        Rc::new(value.clone())
    }
    fn own(value: V) -> Rc<V> {
        Rc::new(value)
    }
    #[inline]
    fn view(held: &Rc<V>) -> &V {
        held
    }
    #[inline]
    fn give(held: &Rc<V>) -> V {
        V::clone(held)
    }
}

/// Not at all: stands where a type cannot be held, so that rustc says so once and not for each use.
#[derive(Debug)]
pub struct Unsupported;

/// Has no values.
#[derive(Debug, Clone)]
pub enum Nothing {}

impl<V: 'static> Holder<V> for Unsupported {
    type Held = Nothing;
    fn copy(_: &V) -> Nothing {
        unreachable!("no such choice compiles")
    }
    fn own(_: V) -> Nothing {
        unreachable!("no such choice compiles")
    }
    fn view(held: &Nothing) -> &V {
        match *held {}
    }
    fn give(held: &Nothing) -> V {
        match *held {}
    }
}

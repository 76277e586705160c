//! How a cache holds a value: in the table, as it is, in an `Arc` or in an `Rc`.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::requirements::{Cacheable, LocalCacheable};

/// Small types that the table holds in place. A clone of such a value copies its bytes.
pub trait Inline: Copy + Send + Sync + 'static {
    /// Whether a value is one word.
    const IS_WORD: bool = false;

    /// Returns the word of a value.
    #[inline]
    fn to_word(self) -> u64 {
        0
    }

    /// Returns the value of a word, if values are words.
    #[inline]
    fn of_word(_word: u64) -> Option<Self> {
        None
    }
}

macro_rules! inline {
    ($($type:ty),*) => { $(impl Inline for $type {})* };
}
inline!(u128, i128, Duration);

macro_rules! words {
    ($($type:ty: |$value:ident| $word:expr, |$bits:ident| $back:expr;)*) => {$(
        impl Inline for $type {
            const IS_WORD: bool = true;

            #[inline]
            fn to_word(self) -> u64 {
                let $value = self;
                $word
            }

            #[expect(clippy::allow_attributes, reason = "not all of them truncate")]
            #[allow(clippy::cast_possible_truncation, reason = "the word was made of the type")]
            #[inline]
            fn of_word($bits: u64) -> Option<Self> {
                $back
            }
        }
    )*};
}
words! {
    u8: |value| value.into(), |bits| Some(bits as Self);
    u16: |value| value.into(), |bits| Some(bits as Self);
    u32: |value| value.into(), |bits| Some(bits as Self);
    u64: |value| value, |bits| Some(bits);
    usize: |value| value as u64, |bits| Some(bits as Self);
    i8: |value| u64::from(value as u8), |bits| Some(bits as Self);
    i16: |value| u64::from(value as u16), |bits| Some(bits as Self);
    i32: |value| u64::from(value as u32), |bits| Some(bits as Self);
    i64: |value| value as u64, |bits| Some(bits as Self);
    isize: |value| value as u64, |bits| Some(bits as Self);
    f32: |value| value.to_bits().into(), |bits| Some(Self::from_bits(bits as u32));
    f64: |value| value.to_bits(), |bits| Some(Self::from_bits(bits));
    bool: |value| value.into(), |bits| Some(bits != 0);
    char: |value| value.into(), |bits| Self::from_u32(bits as u32);
    (): |_value| 0, |_bits| Some(());
}

impl<T: Inline> Inline for Option<T> {}
impl<A: Inline> Inline for (A,) {}
impl<A: Inline, B: Inline> Inline for (A, B) {}
impl<A: Inline, B: Inline, C: Inline> Inline for (A, B, C) {}

/// A way to hold the values of a cache.
pub trait Holder<V>: 'static {
    /// The form in which the cache holds a value. While other clones of it exist, cloning and dropping it run no user
    /// code.
    type Held: Clone + 'static;
    /// Whether what is held is one word.
    const IS_WORD: bool = false;
    /// Holds a clone of the value.
    fn copy(value: &V) -> Self::Held;
    /// Holds the value itself.
    fn own(value: V) -> Self::Held;
    /// Returns the held value.
    fn view(held: &Self::Held) -> &V;
    /// Returns a clone of the held value.
    fn clone_value(held: &Self::Held) -> V;
    /// Returns the value of a clone of what is held.
    #[inline]
    fn into_value(held: Self::Held) -> V {
        Self::clone_value(&held)
    }
    /// Returns the word of what is held.
    #[inline]
    fn to_word(_held: &Self::Held) -> u64 {
        0
    }
    /// Returns what is held as this word, if it is one.
    #[inline]
    fn of_word(_word: u64) -> Option<Self::Held> {
        None
    }
}

/// Holds a value in the table.
#[derive(Debug)]
pub struct InPlace;

impl<V: Inline> Holder<V> for InPlace {
    type Held = V;
    const IS_WORD: bool = V::IS_WORD;
    #[inline]
    fn to_word(held: &V) -> u64 {
        held.to_word()
    }
    #[inline]
    fn of_word(word: u64) -> Option<V> {
        V::of_word(word)
    }
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
    fn clone_value(held: &V) -> V {
        *held
    }
}

/// Holds a value whose clones share its contents as it is.
#[derive(Debug)]
pub struct AsItIs;

impl<V: LocalCacheable> Holder<V> for AsItIs {
    type Held = V;
    #[inline]
    fn copy(value: &V) -> V {
        value.clone()
    }
    fn own(value: V) -> V {
        value
    }
    #[inline]
    fn view(held: &V) -> &V {
        held
    }
    #[inline]
    fn clone_value(held: &V) -> V {
        held.clone()
    }
    #[inline]
    fn into_value(held: V) -> V {
        held
    }
}

/// Holds a value in an `Arc`.
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
    fn clone_value(held: &Arc<V>) -> V {
        V::clone(held)
    }
}

/// Holds a value in an `Rc`, for a cache of one thread.
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
    fn clone_value(held: &Rc<V>) -> V {
        V::clone(held)
    }
}

/// Holds nothing. It takes the place of a holder when a type cannot be held, so that rustc reports this once and not
/// at each use.
#[derive(Debug)]
pub struct Unsupported;

/// A type without values.
#[derive(Debug, Clone)]
pub enum Nothing {}

impl<V: 'static> Holder<V> for Unsupported {
    type Held = Nothing;
    fn copy(_: &V) -> Nothing {
        unreachable!("a function whose result cannot be held does not compile")
    }
    fn own(_: V) -> Nothing {
        unreachable!("a function whose result cannot be held does not compile")
    }
    fn view(held: &Nothing) -> &V {
        match *held {}
    }
    fn clone_value(held: &Nothing) -> V {
        match *held {}
    }
}

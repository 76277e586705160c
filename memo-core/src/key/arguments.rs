//! The arguments of a call as one key: nested pairs `(a, (b, ()))`, for any number of arguments.

use std::marker::PhantomData;

use serde_core::Serialize;

use super::compare::{Compare, Verdict};
use super::encoder::encode;
use super::hash::{Hash, Seed};
use super::result_tag::Tag;
use super::sink::Sink;
use super::stored::has_canonical_form;
use super::tag::{self, NoKey};
use super::write::{Fields, Writer};
use crate::front::table::WordKey;

/// One argument as it goes into the key.
pub trait Element {
    /// Whether encoding it runs only code of serde and of this crate.
    const PLAIN: bool;
    /// How an argument of its type is a part of a word, if it is.
    #[doc(hidden)]
    const WORD: Option<Word> = None;
    #[doc(hidden)]
    #[allow(private_interfaces, private_bounds, reason = "called by this crate alone")]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey>;
    /// Returns the bits of the argument, if it has a [`Word`].
    #[doc(hidden)]
    #[inline]
    fn word(&self) -> u64 {
        0
    }
}

/// An argument that is encoded through its `Serialize`.
#[derive(Debug)]
pub struct Serialized<'a, T: ?Sized>(pub &'a T);

impl<T: Serialize + ?Sized> Element for Serialized<'_, T> {
    const PLAIN: bool = false;

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        encode(sink, tag::MAX_DEPTH, self.0)
    }
}

/// An argument of a [`Plain`] type.
#[derive(Debug)]
pub struct PlainValue<'a, T: ?Sized>(pub &'a T);

impl<T: Plain + ?Sized> Element for PlainValue<'_, T> {
    const PLAIN: bool = true;
    const WORD: Option<Word> = T::WORD;

    #[inline]
    fn word(&self) -> u64 {
        self.0.word()
    }

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        encode(sink, tag::MAX_DEPTH, self.0)
    }
}

/// An argument that consists of bytes. It is encoded as a whole, not byte by byte.
#[derive(Debug)]
pub struct Octets<'a>(pub &'a [u8]);

impl Element for Octets<'_> {
    const PLAIN: bool = true;

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        sink.blob(tag::OCTETS, self.0)
    }
}

/// Parameters that can be a part of a key: those whose type is `Serialize`.
#[diagnostic::on_unimplemented(
    message = "the argument `{Name}` of type `{Self}` cannot be a part of the key",
    label = "an argument of a memoized function must be `serde::Serialize` to be a part of its key",
    note = "derive `serde::Serialize` for your own type, leave it out with `skip(...)`, or say what makes the key with `key = ...`",
    note = "another crate's type may have it behind a feature `serde`; for `Arc` and `Rc` it is serde's feature `rc`"
)]
pub trait Keyable<Name>: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized, Name> Keyable<Name> for T {}

/// The counterpart of [`Keyable`] for the `self` of a method.
#[diagnostic::on_unimplemented(
    message = "`self` of type `{Self}` cannot be a part of the key",
    label = "`self` must be `serde::Serialize` to be a part of a memoized method's key",
    note = "derive `serde::Serialize` for it, leave it out with `skip(self)`, or say what makes the key with `key = ...`"
)]
pub trait KeyableSelf: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyableSelf for T {}

/// The counterpart of [`Keyable`] for the expression of `key = ...`.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be the key",
    label = "what makes the key must be `serde::Serialize`",
    note = "derive `serde::Serialize` for your own type, or make the key of something else",
    note = "another crate's type may have it behind a feature `serde`; for `Arc` and `Rc` it is serde's feature `rc`"
)]
pub trait KeyableExpression: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyableExpression for T {}

/// How values of a type are a part of a word. Equal bits are equal values.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    bits: u32,
    /// The types, each a number of four bits that is not 0.
    kinds: u16,
}

impl Word {
    const NONE: Self = Self { bits: 0, kinds: 0 };
    /// Of kinds that leave room for another one.
    const MAX_KINDS: u16 = u16::MAX >> 4;

    /// Returns the word of an argument before others, if all of them fit into one.
    const fn before(first: Option<Self>, rest: Option<Self>) -> Option<Self> {
        let (Some(first), Some(rest)) = (first, rest) else { return None };
        if first.bits + rest.bits > u64::BITS || rest.kinds > Self::MAX_KINDS {
            return None;
        }
        Some(Self { bits: first.bits + rest.bits, kinds: rest.kinds << 4 | first.kinds })
    }
}

/// Types of the standard library whose `Serialize` runs no user code.
pub trait Plain: Serialize {
    /// See [`Element::WORD`].
    #[doc(hidden)]
    const WORD: Option<Word> = None;

    /// See [`Element::word`].
    #[doc(hidden)]
    #[inline]
    fn word(&self) -> u64 {
        0
    }
}

macro_rules! plain {
    ($($type:ty),*) => { $(impl Plain for $type {})* };
}
plain!(u128, i128, str, String);

macro_rules! words {
    ($($type:ty: $kind:literal, |$value:ident| $bits:expr;)*) => {$(
        impl Plain for $type {
            #[expect(clippy::cast_possible_truncation, reason = "it is at most 8")]
            const WORD: Option<Word> =
                Some(Word { bits: 8 * size_of::<$type>() as u32, kinds: $kind });

            #[inline]
            fn word(&self) -> u64 {
                let $value = *self;
                $bits
            }
        }
    )*};
}
words! {
    u8: 1, |value| value.into();
    u16: 2, |value| value.into();
    u32: 3, |value| value.into();
    u64: 4, |value| value;
    usize: 5, |value| value as u64;
    i8: 6, |value| u64::from(value as u8);
    i16: 7, |value| u64::from(value as u16);
    i32: 8, |value| u64::from(value as u32);
    i64: 9, |value| value as u64;
    isize: 10, |value| value as u64;
    f32: 11, |value| value.to_bits().into();
    f64: 12, |value| value.to_bits();
    bool: 13, |value| value.into();
    char: 14, |value| value.into();
    (): 15, |_value| 0;
}

impl<T: Plain + ?Sized> Plain for &T {
    const WORD: Option<Word> = T::WORD;

    #[inline]
    fn word(&self) -> u64 {
        (**self).word()
    }
}
impl<T: Plain> Plain for Option<T> {}
impl<T: Plain> Plain for Vec<T> {}
impl<T: Plain> Plain for [T] {}
impl<A: Plain> Plain for (A,) {}
impl<A: Plain, B: Plain> Plain for (A, B) {}

/// Types whose value consists of bytes.
pub trait AsByteSlice {
    /// Returns the bytes.
    fn byte_slice(&self) -> &[u8];
}

macro_rules! byte_slices {
    ($([$($generics:tt)*] $type:ty,)*) => {$(
        impl<$($generics)*> AsByteSlice for $type {
            #[inline]
            fn byte_slice(&self) -> &[u8] {
                self
            }
        }
    )*};
}
byte_slices! { [] [u8], [] Vec<u8>, [] Box<[u8]>, [const N: usize] [u8; N], }

impl<T: AsByteSlice + ?Sized> AsByteSlice for &T {
    #[inline]
    fn byte_slice(&self) -> &[u8] {
        (**self).byte_slice()
    }
}

/// An argument for which method resolution chooses the encoding. `element!` calls the method of the traits in
/// [`element`] on references to it. `Place` tells what the argument is to the function, for error messages.
#[derive(Debug)]
pub struct Argument<'a, T: ?Sized, Place>(&'a T, PhantomData<Place>);

impl<T: ?Sized, Place> Clone for Argument<'_, T, Place> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized, Place> Copy for Argument<'_, T, Place> {}

impl<'a, T: ?Sized, Place> Argument<'a, T, Place> {
    /// Wraps an argument.
    #[inline]
    pub fn new(argument: &'a T) -> Self {
        Self(argument, PhantomData)
    }
}

/// The place of a parameter with this name.
#[derive(Debug)]
pub struct Parameter<Name>(PhantomData<Name>);

/// The place of `self`.
#[derive(Debug)]
pub struct Receiver;

/// The place of the expression of `key = ...`.
#[derive(Debug)]
pub struct Expression;

/// Any of these places in a companion. A companion reports no error: the function itself already reports it.
#[derive(Debug)]
pub struct InCompanion;

/// An argument that cannot be a part of the key. It exists so that rustc reports this once and not at each use.
#[derive(Debug)]
pub struct Unkeyable;

impl Element for Unkeyable {
    const PLAIN: bool = false;

    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, _: &mut S) -> Result<(), NoKey> {
        Err(NoKey::Refused)
    }
}

/// Traits that choose how an argument is encoded. Method resolution prefers the implementation with more references.
pub mod element {
    use serde_core::Serialize;

    use super::{
        Argument, AsByteSlice, Expression, InCompanion, Keyable, KeyableExpression, KeyableSelf,
        Octets, Parameter, Plain, PlainValue, Receiver, Serialized, Unkeyable,
    };

    #[doc(hidden)]
    pub trait AsOctets<'a> {
        fn __memokit_element(self) -> Octets<'a>;
    }

    impl<'a, T: AsByteSlice + ?Sized, Place> AsOctets<'a> for &&&&Argument<'a, T, Place> {
        #[inline]
        fn __memokit_element(self) -> Octets<'a> {
            Octets(self.0.byte_slice())
        }
    }

    #[doc(hidden)]
    pub trait AsPlain<'a, T: ?Sized> {
        fn __memokit_element(self) -> PlainValue<'a, T>;
    }

    impl<'a, T: Plain + ?Sized, Place> AsPlain<'a, T> for &&&Argument<'a, T, Place> {
        #[inline]
        fn __memokit_element(self) -> PlainValue<'a, T> {
            PlainValue(self.0)
        }
    }

    #[doc(hidden)]
    pub trait AsSerialized<'a, T: ?Sized> {
        fn __memokit_element(self) -> Serialized<'a, T>;
    }

    impl<'a, T: Serialize + ?Sized, Place> AsSerialized<'a, T> for &&Argument<'a, T, Place> {
        #[inline]
        fn __memokit_element(self) -> Serialized<'a, T> {
            Serialized(self.0)
        }
    }

    /// Arrays that are longer than 32 elements, which serde does not serialize. They are encoded as the slice.
    #[doc(hidden)]
    pub trait AsArray<'a, T> {
        fn __memokit_element(self) -> Serialized<'a, [T]>;
    }

    impl<'a, T: Serialize, const N: usize, Place> AsArray<'a, T> for &Argument<'a, [T; N], Place> {
        #[inline]
        fn __memokit_element(self) -> Serialized<'a, [T]> {
            Serialized(self.0)
        }
    }

    impl<'a, T: Serialize, const N: usize, Place> AsArray<'a, T> for &Argument<'a, &[T; N], Place> {
        #[inline]
        fn __memokit_element(self) -> Serialized<'a, [T]> {
            Serialized(*self.0)
        }
    }

    // The fallbacks when none of the traits above applies. Their bound is not met then, and rustc reports only that
    // error.

    #[doc(hidden)]
    pub trait AsNothing<T: ?Sized, Name> {
        fn __memokit_element(self) -> Unkeyable
        where
            T: Keyable<Name>;
    }

    impl<T: ?Sized, Name> AsNothing<T, Name> for Argument<'_, T, Parameter<Name>> {
        fn __memokit_element(self) -> Unkeyable
        where
            T: Keyable<Name>,
        {
            Unkeyable
        }
    }

    #[doc(hidden)]
    pub trait AsNothingSelf<T: ?Sized> {
        fn __memokit_element(self) -> Unkeyable
        where
            T: KeyableSelf;
    }

    impl<T: ?Sized> AsNothingSelf<T> for Argument<'_, T, Receiver> {
        fn __memokit_element(self) -> Unkeyable
        where
            T: KeyableSelf,
        {
            Unkeyable
        }
    }

    #[doc(hidden)]
    pub trait AsNothingExpression<T: ?Sized> {
        fn __memokit_element(self) -> Unkeyable
        where
            T: KeyableExpression;
    }

    impl<T: ?Sized> AsNothingExpression<T> for Argument<'_, T, Expression> {
        fn __memokit_element(self) -> Unkeyable
        where
            T: KeyableExpression,
        {
            Unkeyable
        }
    }

    #[doc(hidden)]
    pub trait AsNothingInCompanion<T: ?Sized> {
        fn __memokit_element(self) -> Unkeyable;
    }

    impl<T: ?Sized> AsNothingInCompanion<T> for Argument<'_, T, InCompanion> {
        fn __memokit_element(self) -> Unkeyable {
            Unkeyable
        }
    }
}

/// All arguments that make the key of a call: `()`, or a pair of an [`Element`] and the remaining arguments.
pub trait Arguments {
    /// Whether encoding them runs only code of serde and of this crate. If so, they may be compared under a lock.
    const PLAIN: bool;

    #[doc(hidden)]
    #[allow(private_interfaces, private_bounds, reason = "called by this crate alone")]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey>;

    /// Returns what the result belongs to. Runs code of the user.
    #[doc(hidden)]
    #[inline]
    fn tags(&self) -> Box<[Tag]> {
        Box::default()
    }

    /// How the arguments are one word, if they are.
    #[doc(hidden)]
    const WORD: Option<Word> = None;

    /// Returns their bits, if they have a [`Word`].
    #[doc(hidden)]
    #[inline]
    fn word(&self) -> u64 {
        0
    }
}

/// Returns the key of arguments that are one word.
#[inline]
pub(crate) fn word_key<A: Arguments>(arguments: &A) -> Option<WordKey> {
    let Word { kinds, .. } = const { A::WORD }?;
    Some(WordKey { word: arguments.word(), kinds })
}

impl Arguments for () {
    const PLAIN: bool = true;
    const WORD: Option<Word> = Some(Word::NONE);

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, _: &mut S) -> Result<(), NoKey> {
        Ok(())
    }
}

impl<E: Element, R: Arguments> Arguments for (E, R) {
    const PLAIN: bool = E::PLAIN && R::PLAIN;
    const WORD: Option<Word> = Word::before(E::WORD, R::WORD);

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        self.0.encode(sink)?;
        self.1.encode(sink)
    }

    #[inline]
    fn word(&self) -> u64 {
        let shift = R::WORD.map_or(0, |word| word.bits);
        self.0.word().checked_shl(shift).unwrap_or(0) | self.1.word()
    }
}

/// Returns the hash of the key of `arguments`, without writing the key.
#[inline]
pub(crate) fn hash<A: Arguments + ?Sized>(arguments: &A, seed: &Seed) -> Result<u64, NoKey> {
    let mut sink = Hash::new(seed);
    arguments.encode(&mut sink)?;
    sink.finish()
}

/// Reports whether `stored` encodes the key of `arguments`.
#[inline]
pub(crate) fn matches<A: Arguments + ?Sized>(arguments: &A, stored: &[u8]) -> bool {
    let mut sink = Compare::new(stored);
    // The sink records every failure and stays failed, because a `Serialize` may hide an error.
    let _ = arguments.encode(&mut sink);
    match sink.verdict() {
        Verdict::Equal => true,
        Verdict::Differs => matches_in_another_order(arguments, stored),
        Verdict::Refused => false,
    }
}

/// Compares canonical forms. It runs only for keys with equal 64-bit hashes, so it rarely runs for different keys.
#[cold]
#[inline(never)]
fn matches_in_another_order<A: Arguments + ?Sized>(arguments: &A, stored: &[u8]) -> bool {
    with_bytes(arguments, Fields::Sorted, |bytes| {
        bytes.is_ok_and(|bytes| has_canonical_form(stored, bytes))
    })
}

/// Passes the bytes of the key, in this thread's buffer, to `f`.
pub(crate) fn with_bytes<A: Arguments + ?Sized, R>(
    arguments: &A,
    order: Fields,
    f: impl FnOnce(Result<&[u8], NoKey>) -> R,
) -> R {
    let writer = written(arguments, order);
    let result = f(writer.bytes());
    writer.give_back();
    result
}

/// Returns a writer that holds the encoded `arguments`, or that has failed.
#[inline(never)]
pub(crate) fn written<A: Arguments + ?Sized>(arguments: &A, order: Fields) -> Box<Writer> {
    let mut writer = Writer::take(order);
    loop {
        if let Err(no_key) = arguments.encode(&mut *writer) {
            writer.poison(no_key);
        }
        if !writer.needs_another_pass() {
            return writer;
        }
    }
}

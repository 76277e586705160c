//! The arguments of a call as one key: nested pairs `(&a, (&b, ()))`, of any number.

use std::marker::PhantomData;

use serde::Serialize;

use super::compare::{Compare, Verdict};
use super::encoder::Encoder;
use super::hash::{Hash, Seed};
use super::sink::Sink;
use super::stored::is_canonically;
use super::tag::{self, NoKey};
use super::write::{Fields, Writer};

/// One argument as it goes into the key.
pub trait Element {
    /// Does encoding it run no code but serde's own and ours?
    const PLAIN: bool;
    #[doc(hidden)]
    #[allow(private_interfaces, private_bounds, reason = "called by this crate alone")]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey>;
}

/// An argument that goes through its `Serialize`.
#[derive(Debug)]
pub struct Serialized<'a, T: ?Sized>(pub &'a T);

impl<T: Serialize + ?Sized> Element for Serialized<'_, T> {
    const PLAIN: bool = false;

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        Encoder::new(sink).value(self.0)
    }
}

/// An argument of a [`Plain`] type.
#[derive(Debug)]
pub struct PlainValue<'a, T: ?Sized>(pub &'a T);

impl<T: Plain + ?Sized> Element for PlainValue<'_, T> {
    const PLAIN: bool = true;

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        Encoder::new(sink).value(self.0)
    }
}

/// An argument that is a run of bytes and goes as one, not element by element.
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

/// Parameters that can be a part of a key: those that are `Serialize`.
#[diagnostic::on_unimplemented(
    message = "the argument `{Name}` of type `{Self}` cannot be a part of the key",
    label = "an argument of a memoized function must be `serde::Serialize` to be a part of its key",
    note = "derive `serde::Serialize` for your own type, leave it out with `skip(...)`, or say what makes the key with `key = ...`",
    note = "another crate's type may have it behind a feature `serde`; for `Arc` and `Rc` it is serde's feature `rc`"
)]
pub trait Keyable<Name>: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized, Name> Keyable<Name> for T {}

/// The same of a method's `self`.
#[diagnostic::on_unimplemented(
    message = "`self` of type `{Self}` cannot be a part of the key",
    label = "`self` must be `serde::Serialize` to be a part of a memoized method's key",
    note = "derive `serde::Serialize` for it, leave it out with `skip(self)`, or say what makes the key with `key = ...`"
)]
pub trait KeyableSelf: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyableSelf for T {}

/// The same of what `key = ...` says.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be the key",
    label = "what makes the key must be `serde::Serialize`",
    note = "derive `serde::Serialize` for your own type, or make the key of something else",
    note = "another crate's type may have it behind a feature `serde`; for `Arc` and `Rc` it is serde's feature `rc`"
)]
pub trait KeyableExpression: Serialize {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyableExpression for T {}

/// Types of the standard library whose `Serialize` runs no code of anyone else.
pub trait Plain: Serialize {}

macro_rules! plain {
    ($($type:ty),*) => { $(impl Plain for $type {})* };
}
plain!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, ());
plain!(str, String);
impl<T: Plain + ?Sized> Plain for &T {}
impl<T: Plain> Plain for Option<T> {}
impl<T: Plain> Plain for Vec<T> {}
impl<T: Plain> Plain for [T] {}
impl<A: Plain> Plain for (A,) {}
impl<A: Plain, B: Plain> Plain for (A, B) {}

/// Types whose value is a run of bytes.
pub trait Run {
    /// The bytes.
    fn run(&self) -> &[u8];
}

macro_rules! runs {
    ($([$($generics:tt)*] $type:ty,)*) => {$(
        impl<$($generics)*> Run for $type {
            #[inline]
            fn run(&self) -> &[u8] {
                self
            }
        }
    )*};
}
runs! { [] [u8], [] Vec<u8>, [] Box<[u8]>, [const N: usize] [u8; N], }

impl<T: Run + ?Sized> Run for &T {
    #[inline]
    fn run(&self) -> &[u8] {
        (**self).run()
    }
}

/// An argument before it is known how it goes into the key, and what it is to the function: `element!` calls
/// [`element`]'s method on a reference to it.
#[derive(Debug)]
pub struct Argument<'a, T: ?Sized, Place>(&'a T, PhantomData<Place>);

impl<T: ?Sized, Place> Clone for Argument<'_, T, Place> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized, Place> Copy for Argument<'_, T, Place> {}

impl<'a, T: ?Sized, Place> Argument<'a, T, Place> {
    /// An argument.
    #[inline]
    pub fn new(argument: &'a T) -> Self {
        Self(argument, PhantomData)
    }
}

/// A parameter of this name.
#[derive(Debug)]
pub struct Parameter<Name>(PhantomData<Name>);

/// `self`.
#[derive(Debug)]
pub struct Receiver;

/// What `key = ...` says.
#[derive(Debug)]
pub struct Expression;

/// Any of these in a companion: what there is to say of it is said in the function.
#[derive(Debug)]
pub struct Quiet;

/// Stands where an argument cannot be a part of the key, so that rustc says so once and not for each use.
#[derive(Debug)]
pub struct Unkeyable;

impl Element for Unkeyable {
    const PLAIN: bool = false;

    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, _: &mut S) -> Result<(), NoKey> {
        Err(NoKey::Refused)
    }
}

/// Traits that choose how an argument goes into the key: a reference more goes before a reference less.
pub mod element {
    use serde::Serialize;

    use super::{
        Argument, Expression, Keyable, KeyableExpression, KeyableSelf, Octets, Parameter, Plain,
        PlainValue, Quiet, Receiver, Run, Serialized, Unkeyable,
    };

    #[doc(hidden)]
    pub trait AsOctets<'a> {
        fn __memokit_element(self) -> Octets<'a>;
    }

    impl<'a, T: Run + ?Sized, Place> AsOctets<'a> for &&&Argument<'a, T, Place> {
        #[inline]
        fn __memokit_element(self) -> Octets<'a> {
            Octets(self.0.run())
        }
    }

    #[doc(hidden)]
    pub trait AsPlain<'a, T: ?Sized> {
        fn __memokit_element(self) -> PlainValue<'a, T>;
    }

    impl<'a, T: Plain + ?Sized, Place> AsPlain<'a, T> for &&Argument<'a, T, Place> {
        #[inline]
        fn __memokit_element(self) -> PlainValue<'a, T> {
            PlainValue(self.0)
        }
    }

    #[doc(hidden)]
    pub trait AsSerialized<'a, T: ?Sized> {
        fn __memokit_element(self) -> Serialized<'a, T>;
    }

    impl<'a, T: Serialize + ?Sized, Place> AsSerialized<'a, T> for &Argument<'a, T, Place> {
        #[inline]
        fn __memokit_element(self) -> Serialized<'a, T> {
            Serialized(self.0)
        }
    }

    // Found for what is none of these. The bound is not met then, and that is the one error there is.

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
    pub trait AsNothingQuiet<T: ?Sized> {
        fn __memokit_element(self) -> Unkeyable;
    }

    impl<T: ?Sized> AsNothingQuiet<T> for Argument<'_, T, Quiet> {
        fn __memokit_element(self) -> Unkeyable {
            Unkeyable
        }
    }
}

/// All arguments of a call that make its key: `()` or a pair of an [`Element`] and the rest.
pub trait Arguments {
    /// Does encoding them run no code but serde's own and ours? Then they may be compared under a lock.
    const PLAIN: bool;

    #[doc(hidden)]
    #[allow(private_interfaces, private_bounds, reason = "called by this crate alone")]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey>;
}

impl Arguments for () {
    const PLAIN: bool = true;

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, _: &mut S) -> Result<(), NoKey> {
        Ok(())
    }
}

impl<E: Element, R: Arguments> Arguments for (E, R) {
    const PLAIN: bool = E::PLAIN && R::PLAIN;

    #[inline]
    #[allow(private_interfaces, private_bounds)]
    fn encode<S: Sink>(&self, sink: &mut S) -> Result<(), NoKey> {
        self.0.encode(sink)?;
        self.1.encode(sink)
    }
}

/// The hash of the key of `arguments`, without writing it.
#[inline]
pub(crate) fn hash<A: Arguments + ?Sized>(arguments: &A, seed: &Seed) -> Result<u64, NoKey> {
    let mut sink = Hash::new(seed);
    arguments.encode(&mut sink)?;
    sink.finish()
}

/// Are `stored` the bytes of the key of `arguments`?
#[inline]
pub(crate) fn matches<A: Arguments + ?Sized>(arguments: &A, stored: &[u8]) -> bool {
    let mut sink = Compare::new(stored);
    // What went wrong is in the sink: a `Serialize` may hide an error, and a failed comparison stays failed.
    let _ = arguments.encode(&mut sink);
    match sink.verdict() {
        Verdict::Equal => true,
        Verdict::Differs => matches_in_another_order(arguments, stored),
        Verdict::Refused => false,
    }
}

/// Asked of keys with one hash of 64 bits, so that it is hardly ever asked in vain.
#[cold]
#[inline(never)]
fn matches_in_another_order<A: Arguments + ?Sized>(arguments: &A, stored: &[u8]) -> bool {
    with_bytes(arguments, Fields::Sorted, |bytes| {
        bytes.is_ok_and(|bytes| is_canonically(stored, bytes))
    })
}

/// Hands the bytes of the key to `f`, in this thread's buffer.
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

/// A writer to which `arguments` were written, or that has failed.
#[inline(never)]
pub(crate) fn written<A: Arguments + ?Sized>(arguments: &A, order: Fields) -> Box<Writer> {
    let mut writer = Writer::take(order);
    if let Err(stop) = arguments.encode(&mut *writer) {
        writer.poison(stop);
    }
    writer
}

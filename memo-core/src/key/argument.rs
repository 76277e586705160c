//! One argument of a key.

use std::fmt;

use serde_core::Deserialize;

use super::decode_error::DecodeError;
use super::decoder::decode;
use super::read;
use super::tree;
use super::write::{Fields, Writer};

/// One argument of a [`Key`](super::Key), as the key encodes it. `Display` writes it like `Debug` of the key: `"ACME"`,
/// `{ depth: 3, side: Buy }`. What serde does not show is not there.
#[derive(Clone, Copy)]
pub struct Argument<'a> {
    name: Option<&'static str>,
    bytes: &'a [u8],
}

impl<'a> Argument<'a> {
    pub(super) fn new(name: Option<&'static str>, bytes: &'a [u8]) -> Self {
        Self { name, bytes }
    }

    /// Returns the name of the parameter, or its pattern: `(a, _)`. `key` if the function has the argument `key`, and
    /// `None` if the key comes from elsewhere than a companion or a handle.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Decodes the argument, which `T` may borrow from the key (`&str`). `T` need not be the type of the parameter: a
    /// number of another type is one if it fits. A float is not made of an integer, nor an `f32` of an `f64` that it is
    /// not. Structs are told by their fields, in any order, enums by the names of their variants, and a newtype is like
    /// what it contains. A map or set without order comes in the order of its encoded items.
    ///
    /// # Errors
    /// [`DecodeError::Mismatch`] if the argument is not a value of `T`.
    pub fn decode<T: Deserialize<'a>>(&self) -> Result<T, DecodeError> {
        decode(self.bytes)
    }
}

impl fmt::Display for Argument<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tree::print_value(self.bytes, f)
    }
}

impl fmt::Debug for Argument<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name {
            write!(f, "{name}: ")?;
        }
        fmt::Display::fmt(self, f)
    }
}

/// Names an argument of a key: its index among those that make the key, from 0, or the name of its parameter. No other
/// crate implements it.
pub trait ArgumentIndex: Copy + fmt::Debug + sealed::Sealed {
    /// Returns the index, given the names that are known.
    #[doc(hidden)]
    fn position(self, names: &[&str]) -> Option<usize>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for &str {}
}

impl ArgumentIndex for usize {
    fn position(self, _names: &[&str]) -> Option<usize> {
        Some(self)
    }
}

impl ArgumentIndex for &str {
    fn position(self, names: &[&str]) -> Option<usize> {
        names.iter().position(|name| *name == self)
    }
}

/// Returns the bytes of each argument of a key that is no digest, in canonical form. `None` if the bytes are no
/// encoding.
#[inline]
pub(super) fn split(key: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut rest, mut arguments) = (key, Vec::new());
    while !rest.is_empty() {
        let behind = Writer::with(Fields::Sorted, |writer| read::replay_first(rest, writer))?;
        arguments.push(&rest[..rest.len() - behind.len()]);
        rest = behind;
    }
    Some(arguments)
}

//! A `Deserializer` in front of that of postcard. It bounds what damaged bytes can demand.
//!
//! postcard reads as deep as the bytes say, and makes as many elements as they claim. Here nesting has a limit, so the
//! stack does not overflow. Every element must take bytes, so there are never more elements than bytes. The announced
//! elements of all containers together do not exceed that number either, because containers allocate for what is
//! announced.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::shape::MAX_DEPTH;
use super::stream::OwnedParts;

/// The resources that one decoding has used.
pub(super) struct Meter<'r> {
    /// Reads text and bytes, if they come from a stream: postcard would hold them twice.
    parts: Option<&'r dyn OwnedParts>,
    depth: Cell<usize>,
    /// The number of reads that took at least one byte.
    reads: Cell<u64>,
    /// The number of elements that may still be announced.
    announced_left: Cell<usize>,
}

impl<'r> Meter<'r> {
    /// Makes a meter for reading `len` bytes. `parts`: what reads text and bytes, if they come from a stream.
    pub(super) fn new(len: usize, parts: Option<&'r dyn OwnedParts>) -> Self {
        let announced_left = Cell::new(len);
        Self { parts, depth: Cell::new(0), reads: Cell::new(0), announced_left }
    }

    fn announce(&self, claimed: usize) -> usize {
        let announced = claimed.min(self.announced_left.get());
        self.announced_left.set(self.announced_left.get() - announced);
        announced
    }

    fn read(&self) {
        self.reads.set(self.reads.get() + 1);
    }

    fn nested<R, E: serde::de::Error>(&self, read: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        if self.depth.get() == MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        self.depth.set(self.depth.get() + 1);
        let result = read();
        self.depth.set(self.depth.get() - 1);
        result
    }
}

/// A deserializer or an access of postcard, or a visitor or seed, with the limits of this module.
pub(super) struct Guarded<'m, T> {
    inner: T,
    meter: &'m Meter<'m>,
    /// For a visitor: whether the bytes, and not the type, give the number of its elements.
    counted: bool,
}

impl<'m, T> Guarded<'m, T> {
    pub(super) fn new(inner: T, meter: &'m Meter<'m>) -> Self {
        Self { inner, meter, counted: false }
    }

    fn counted(inner: T, meter: &'m Meter<'m>) -> Self {
        Self { inner, meter, counted: true }
    }

    fn entries<A>(&self, access: A) -> Entries<'m, A> {
        Entries { access, meter: self.meter, counted: self.counted, reads_before: 0 }
    }
}

macro_rules! leaves {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.meter.read();
            self.inner.$method(visitor)
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.meter.read();
            let Some(parts) = self.meter.parts else { return self.inner.$method(visitor) };
            let bytes = parts.read_bytes().map_err(D::Error::custom)?;
            visitor.visit_string(String::from_utf8(bytes).map_err(D::Error::custom)?)
        })*
    };
}

macro_rules! blobs {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.meter.read();
            let Some(parts) = self.meter.parts else { return self.inner.$method(visitor) };
            visitor.visit_byte_buf(parts.read_bytes().map_err(D::Error::custom)?)
        })*
    };
}

/// Methods for containers. `counted` is for those that begin with a length or a tag, `new` for those whose type gives
/// the number of parts.
macro_rules! containers {
    ($wrap:ident: $($method:ident($($arg:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(
            self,
            $($arg: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            let meter = self.meter;
            let visitor = Guarded::$wrap(visitor, meter);
            if visitor.counted {
                meter.read();
            }
            meter.nested(|| self.inner.$method($($arg,)* visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guarded<'_, D> {
    type Error = D::Error;

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    leaves! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_any
        deserialize_identifier deserialize_ignored_any
    }

    texts! { deserialize_str deserialize_string }

    blobs! { deserialize_bytes deserialize_byte_buf }

    containers! { counted:
        deserialize_option()
        deserialize_seq()
        deserialize_map()
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    containers! { new:
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guarded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Guarded::new(inner, self.meter))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Guarded::new(inner, self.meter))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let entries = self.entries(access);
        self.inner.visit_seq(entries)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let entries = self.entries(access);
        self.inner.visit_map(entries)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Guarded::new(access, self.meter))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guarded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Guarded::new(inner, self.meter))
    }
}

/// The elements or entries of a container, each checked after it is read.
struct Entries<'m, A> {
    access: A,
    meter: &'m Meter<'m>,
    counted: bool,
    reads_before: u64,
}

impl<A> Entries<'_, A> {
    fn check<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.counted && self.meter.reads.get() == self.reads_before {
            return Err(E::custom("an element without bytes"));
        }
        Ok(())
    }

    fn announce(&self, claimed: Option<usize>) -> Option<usize> {
        if self.counted { claimed.map(|claimed| self.meter.announce(claimed)) } else { claimed }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.reads_before = self.meter.reads.get();
        let element = self.access.next_element_seed(Guarded::new(seed, self.meter))?;
        if element.is_some() {
            self.check()?;
        }
        Ok(element)
    }

    fn size_hint(&self) -> Option<usize> {
        self.announce(self.access.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.reads_before = self.meter.reads.get();
        self.access.next_key_seed(Guarded::new(seed, self.meter))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.access.next_value_seed(Guarded::new(seed, self.meter))?;
        self.check()?;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        self.announce(self.access.size_hint())
    }
}

impl<'de, 'm, A: EnumAccess<'de>> EnumAccess<'de> for Guarded<'m, A> {
    type Error = A::Error;
    type Variant = Guarded<'m, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (variant, content) = self.inner.variant_seed(seed)?;
        Ok((variant, Guarded::new(content, self.meter)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Guarded::new(seed, self.meter))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Guarded::new(visitor, self.meter))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Guarded::new(visitor, self.meter))
    }
}

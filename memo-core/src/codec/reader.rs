//! A `Deserializer` for postcard's format. It bounds what damaged bytes can demand.
//!
//! Nesting has a limit, so the stack does not overflow. Every element of a container must take bytes, so there are never
//! more elements than bytes. The announced elements of all containers together do not exceed that number either, because
//! containers allocate for what is announced.

use std::borrow::Cow;
use std::cell::Cell;
use std::str::from_utf8;

use serde_core::de::value::U32Deserializer;
use serde_core::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::malformed::Malformed;
use super::shape::MAX_DEPTH;
use super::source::Source;
use super::varint::{read, read_len, read_wide, unzigzag, unzigzag_wide};

/// Reads one value from a source.
pub(super) struct Reader<S> {
    pub(super) source: S,
    depth: usize,
    /// The number of elements that may still be announced.
    announced_left: Cell<u64>,
}

impl<'de, S: Source<'de>> Reader<S> {
    pub(super) fn new(source: S) -> Self {
        let announced_left = Cell::new(source.left());
        Self { source, depth: 0, announced_left }
    }

    fn nested<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, Malformed>,
    ) -> Result<R, Malformed> {
        if self.depth == MAX_DEPTH {
            return Err(Malformed("nested too deep"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn announce(&self, claimed: usize) -> usize {
        let left = self.announced_left.get();
        let announced = claimed.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.announced_left.set(left - announced as u64);
        announced
    }

    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], Malformed> {
        let mut bytes = [0; LEN];
        self.source.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self) -> Result<Cow<'de, [u8]>, Malformed> {
        let len = read_len(&mut self.source)?;
        self.source.take(len)
    }

    fn text(&mut self) -> Result<Cow<'de, str>, Malformed> {
        const NO_TEXT: Malformed = Malformed("a text is not UTF-8");
        Ok(match self.bytes()? {
            Cow::Borrowed(bytes) => Cow::Borrowed(from_utf8(bytes).map_err(|_| NO_TEXT)?),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| NO_TEXT)?),
        })
    }

    fn char(&mut self) -> Result<char, Malformed> {
        const NO_CHAR: Malformed = Malformed("a char is none");
        let mut bytes = [0; 4];
        let len = read_len(&mut self.source)?;
        let bytes = bytes.get_mut(..len).ok_or(NO_CHAR)?;
        self.source.fill(bytes)?;
        let mut chars = from_utf8(bytes).map_err(|_| NO_CHAR)?.chars();
        // More than one is damage, as for the crate postcard since 1.2.
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => Err(NO_CHAR),
        }
    }

    /// The parts of a struct, a tuple or a variant, whose type says how many there are.
    fn parts(&mut self, count: usize) -> Elements<'_, S> {
        Elements { reader: self, left: count, counted: false, entry_start: 0 }
    }

    /// The elements of a container, of which the bytes say how many there are.
    fn elements(&mut self) -> Result<Elements<'_, S>, Malformed> {
        let left = read_len(&mut self.source)?;
        Ok(Elements { reader: self, left, counted: true, entry_start: 0 })
    }
}

/// Numbers with a sign are read as 64 bits. `BITS` of them are as many as the type has.
macro_rules! numbers {
    ($($method:ident $visit:ident $bits:literal $type:ty: $of:expr;)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
            let value = read::<$bits>(&mut self.source)?;
            // A number of that many bits fits its type.
            #[allow(clippy::cast_possible_truncation)]
            visitor.$visit($of(value) as $type)
        })*
    };
}

/// Methods for what bytes of this format do not tell.
macro_rules! untold {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Malformed> {
            Err(Malformed("they do not say what they are"))
        })*
    };
}

impl<'de, S: Source<'de>> Deserializer<'de> for &mut Reader<S> {
    type Error = Malformed;

    fn is_human_readable(&self) -> bool {
        false
    }

    untold! { deserialize_any deserialize_identifier deserialize_ignored_any }

    numbers! {
        deserialize_u16 visit_u16 16 u16: u64::from;
        deserialize_u32 visit_u32 32 u32: u64::from;
        deserialize_u64 visit_u64 64 u64: u64::from;
        deserialize_i16 visit_i16 16 i16: unzigzag;
        deserialize_i32 visit_i32 32 i32: unzigzag;
        deserialize_i64 visit_i64 64 i64: unzigzag;
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_u128(read_wide::<128>(&mut self.source)?)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_i128(unzigzag_wide(read_wide::<128>(&mut self.source)?))
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_u8(self.source.byte()?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_i8(i8::from_le_bytes(self.array()?))
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.source.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(Malformed("a bool is neither 0 nor 1")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_f32(f32::from_le_bytes(self.array()?))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_f64(f64::from_le_bytes(self.array()?))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_char(self.char()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.text()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.text()? {
            Cow::Borrowed(text) => visitor.visit_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.bytes()? {
            Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
            Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.bytes()? {
            Cow::Borrowed(bytes) => visitor.visit_bytes(bytes),
            Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.nested(|reader| match reader.source.byte()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(reader),
            _ => Err(Malformed("an option is neither 0 nor 1")),
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        self.nested(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.nested(|reader| visitor.visit_seq(reader.elements()?))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.nested(|reader| visitor.visit_map(reader.elements()?))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        self.nested(|reader| visitor.visit_seq(reader.parts(len)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        self.nested(|reader| visitor.visit_enum(reader))
    }
}

impl<'de, S: Source<'de>> EnumAccess<'de> for &mut Reader<S> {
    type Error = Malformed;
    type Variant = Self;

    fn variant_seed<D: DeserializeSeed<'de>>(self, seed: D) -> Result<(D::Value, Self), Malformed> {
        let index = u32::try_from(read::<32>(&mut self.source)?);
        let index = index.map_err(|_| Malformed("a number is too long"))?;
        let index: U32Deserializer<Malformed> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de, S: Source<'de>> VariantAccess<'de> for &mut Reader<S> {
    type Error = Malformed;

    fn unit_variant(self) -> Result<(), Malformed> {
        Ok(())
    }

    fn newtype_variant_seed<D: DeserializeSeed<'de>>(self, seed: D) -> Result<D::Value, Malformed> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_seq(self.parts(len))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        visitor.visit_seq(self.parts(fields.len()))
    }
}

/// The parts of a struct, or the elements or entries of a container.
struct Elements<'r, S> {
    reader: &'r mut Reader<S>,
    left: usize,
    /// Whether the bytes, and not the type, give their number. Then each must take bytes.
    counted: bool,
    /// How many bytes were left before the current entry.
    entry_start: u64,
}

impl<'de, S: Source<'de>> Elements<'_, S> {
    /// Begins an element. Returns whether there is one.
    #[inline]
    fn begin(&mut self) -> bool {
        let is_left = self.left > 0;
        self.left -= usize::from(is_left);
        self.entry_start = self.reader.source.left();
        is_left
    }

    #[inline]
    fn end(&self) -> Result<(), Malformed> {
        if self.counted && self.reader.source.left() == self.entry_start {
            return Err(Malformed("an element without bytes"));
        }
        Ok(())
    }

    fn hint(&self) -> usize {
        if self.counted { self.reader.announce(self.left) } else { self.left }
    }
}

impl<'de, S: Source<'de>> SeqAccess<'de> for Elements<'_, S> {
    type Error = Malformed;

    fn next_element_seed<D: DeserializeSeed<'de>>(
        &mut self,
        seed: D,
    ) -> Result<Option<D::Value>, Malformed> {
        if !self.begin() {
            return Ok(None);
        }
        let element = seed.deserialize(&mut *self.reader)?;
        self.end()?;
        Ok(Some(element))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de, S: Source<'de>> MapAccess<'de> for Elements<'_, S> {
    type Error = Malformed;

    fn next_key_seed<D: DeserializeSeed<'de>>(
        &mut self,
        seed: D,
    ) -> Result<Option<D::Value>, Malformed> {
        self.begin().then(|| seed.deserialize(&mut *self.reader)).transpose()
    }

    fn next_value_seed<D: DeserializeSeed<'de>>(&mut self, seed: D) -> Result<D::Value, Malformed> {
        let value = seed.deserialize(&mut *self.reader)?;
        self.end()?;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

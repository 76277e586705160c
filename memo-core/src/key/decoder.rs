//! Reads encoded arguments back into values, as a deserializer of serde.
//!
//! The encoding says what each value is, so a type gets what is there, and refuses what it is not. Numbers of another
//! width are values if they fit. A newtype is like what it contains, and the names of structs do not count: only those
//! of fields and variants.

use serde_core::Deserialize;
use serde_core::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde_core::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::decode_error::DecodeError;
use super::read::{self, Cursor};
use super::tag::{self, END};
use super::write::{Fields, Writer};

/// Decodes one argument.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let value = T::deserialize(Decoder(&mut cursor))?;
    if cursor.rest.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::mismatch("more than one value"))
    }
}

/// Reads the next value.
struct Decoder<'c, 'a>(&'c mut Cursor<'a>);

#[inline]
fn malformed() -> DecodeError {
    DecodeError::mismatch("not an encoding")
}

#[inline]
fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, DecodeError> {
    cursor.text().ok_or_else(malformed)
}

impl<'a> Decoder<'_, 'a> {
    /// Returns the tag of the next value, which is none of a newtype.
    #[inline]
    fn peek(&mut self) -> Result<u8, DecodeError> {
        while self.enter_newtype()? {}
        self.0.rest.first().copied().ok_or_else(malformed)
    }

    /// Steps over the beginning of a newtype, if one is next.
    #[inline]
    fn enter_newtype(&mut self) -> Result<bool, DecodeError> {
        let is_newtype = self.0.rest.first() == Some(&tag::NEWTYPE_STRUCT);
        if is_newtype {
            self.0.tag();
            text(self.0)?;
        }
        Ok(is_newtype)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.0.array().ok_or_else(malformed)
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        self.0.tag();
        self.0.sized().ok_or_else(malformed)
    }

    fn number<V: Visitor<'a>>(mut self, tag: u8, visitor: V) -> Result<V::Value, DecodeError> {
        match tag {
            tag::U8 => visitor.visit_u8(u8::from_le_bytes(self.array()?)),
            tag::U16 => visitor.visit_u16(u16::from_le_bytes(self.array()?)),
            tag::U32 => visitor.visit_u32(u32::from_le_bytes(self.array()?)),
            tag::U64 => visitor.visit_u64(u64::from_le_bytes(self.array()?)),
            tag::U128 => visitor.visit_u128(u128::from_le_bytes(self.array()?)),
            tag::I8 => visitor.visit_i8(i8::from_le_bytes(self.array()?)),
            tag::I16 => visitor.visit_i16(i16::from_le_bytes(self.array()?)),
            tag::I32 => visitor.visit_i32(i32::from_le_bytes(self.array()?)),
            tag::I64 => visitor.visit_i64(i64::from_le_bytes(self.array()?)),
            tag::I128 => visitor.visit_i128(i128::from_le_bytes(self.array()?)),
            tag::F32 => visitor.visit_f32(f32::from_le_bytes(self.array()?)),
            tag::F64 => visitor.visit_f64(f64::from_le_bytes(self.array()?)),
            _ => Err(malformed()),
        }
    }

    /// Reads a struct, without its tag.
    fn structure<V: Visitor<'a>>(self, tag: u8, visitor: V) -> Result<V::Value, DecodeError> {
        text(self.0)?;
        match tag {
            tag::UNIT_STRUCT => visitor.visit_unit(),
            tag::TUPLE_STRUCT => sequence(self.0, visitor),
            _ => pairs(self.0, true, visitor),
        }
    }

    /// Reads a variant, without its tag.
    fn variant<V: Visitor<'a>>(mut self, tag: u8, visitor: V) -> Result<V::Value, DecodeError> {
        self.array::<4>()?;
        text(self.0)?;
        let name = text(self.0)?;
        visitor.visit_enum(Variant { cursor: self.0, tag, name })
    }

    /// Reads the next value if its tag is one of these. A visitor would else take it for something that it is not.
    fn only<V: Visitor<'a>>(
        mut self,
        tags: std::ops::RangeInclusive<u8>,
        what: &str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if !tags.contains(&self.peek()?) {
            return Err(DecodeError::mismatch(&format!("not {what}")));
        }
        self.deserialize_any(visitor)
    }

    /// Reads a sequence, which may be encoded as a run of bytes.
    fn items<V: Visitor<'a>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        if !matches!(self.peek()?, tag::BYTES | tag::OCTETS) {
            return self.deserialize_any(visitor);
        }
        let mut items = SeqDeserializer::new(self.bytes()?.iter().copied());
        let value = visitor.visit_seq(&mut items)?;
        items.end()?;
        Ok(value)
    }
}

impl<'a> Deserializer<'a> for Decoder<'_, 'a> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'a>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let tag = self.peek()?;
        if matches!(tag, tag::BYTES | tag::OCTETS) {
            return visitor.visit_borrowed_bytes(self.bytes()?);
        }
        self.0.tag();
        match tag {
            tag::UNIT => visitor.visit_unit(),
            tag::FALSE | tag::TRUE => visitor.visit_bool(tag == tag::TRUE),
            tag::U8..=tag::F64 => self.number(tag, visitor),
            tag::CHAR => {
                let code = u32::from_le_bytes(self.array()?);
                visitor.visit_char(char::from_u32(code).ok_or_else(malformed)?)
            }
            tag::STR => visitor.visit_borrowed_str(text(self.0)?),
            tag::NONE => visitor.visit_none(),
            tag::SOME => visitor.visit_some(self),
            tag::SEQ | tag::SET => sequence(self.0, visitor),
            tag::MAP | tag::ENTRIES => pairs(self.0, false, visitor),
            tag::UNIT_STRUCT | tag::TUPLE_STRUCT | tag::STRUCT => self.structure(tag, visitor),
            tag::UNIT_VARIANT..=tag::STRUCT_VARIANT => self.variant(tag, visitor),
            _ => Err(malformed()),
        }
    }

    fn deserialize_f32<V: Visitor<'a>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.peek()? == tag::F64 {
            let wide =
                f64::from_le_bytes(self.0.rest[1..].first_chunk().copied().unwrap_or_default());
            #[expect(clippy::cast_possible_truncation, reason = "the comparison tells")]
            let narrow = wide as f32;
            if f64::from(narrow) != wide && !wide.is_nan() {
                return Err(DecodeError::mismatch("a number that is no f32"));
            }
        }
        self.only(tag::F32..=tag::F64, "a floating-point number", visitor)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.only(tag::F32..=tag::F64, "a floating-point number", visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.only(tag::NONE..=tag::SOME, "an option", visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.only(tag::UNIT_VARIANT..=tag::STRUCT_VARIANT, "an enum", visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        mut self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.enter_newtype()?;
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.items(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let skip = |writer: &mut Writer| read::replay_first(self.0.rest, writer);
        self.0.rest = Writer::with(Fields::Sorted, skip).ok_or_else(malformed)?;
        visitor.visit_unit()
    }

    serde_core::forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit unit_struct
        tuple_struct map struct identifier
    }
}

/// Reads items until the end mark, without their tag.
fn sequence<'a, V: Visitor<'a>>(
    cursor: &mut Cursor<'a>,
    visitor: V,
) -> Result<V::Value, DecodeError> {
    let value = visitor.visit_seq(Items(cursor))?;
    ended(cursor, value)
}

/// Reads entries or fields until the end mark, without their tag.
fn pairs<'a, V: Visitor<'a>>(
    cursor: &mut Cursor<'a>,
    named: bool,
    visitor: V,
) -> Result<V::Value, DecodeError> {
    let value = visitor.visit_map(Pairs { cursor, named })?;
    ended(cursor, value)
}

fn ended<T>(cursor: &mut Cursor<'_>, value: T) -> Result<T, DecodeError> {
    if cursor.at_end() { Ok(value) } else { Err(DecodeError::mismatch("it has more items")) }
}

fn is_at_end(cursor: &Cursor<'_>) -> bool {
    cursor.rest.first() == Some(&END)
}

struct Items<'c, 'a>(&'c mut Cursor<'a>);

impl<'a> SeqAccess<'a> for Items<'_, 'a> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if is_at_end(self.0) {
            return Ok(None);
        }
        seed.deserialize(Decoder(self.0)).map(Some)
    }
}

/// The entries of a map, or the fields of a struct, which begin with a name.
struct Pairs<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    named: bool,
}

impl<'a> MapAccess<'a> for Pairs<'_, 'a> {
    type Error = DecodeError;

    fn next_key_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if is_at_end(self.cursor) {
            return Ok(None);
        }
        let key = match self.named {
            true => seed.deserialize(BorrowedStrDeserializer::new(text(self.cursor)?)),
            false => seed.deserialize(Decoder(self.cursor)),
        };
        key.map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(Decoder(self.cursor))
    }
}

/// A variant whose name was read.
struct Variant<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    tag: u8,
    name: &'a str,
}

impl Variant<'_, '_> {
    #[inline]
    fn must_be(&self, tag: u8) -> Result<(), DecodeError> {
        let is_it = self.tag == tag;
        if is_it { Ok(()) } else { Err(DecodeError::mismatch("a variant of another kind")) }
    }
}

impl<'a> EnumAccess<'a> for Variant<'_, 'a> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'a>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), DecodeError> {
        Ok((seed.deserialize(BorrowedStrDeserializer::new(self.name))?, self))
    }
}

impl<'a> VariantAccess<'a> for Variant<'_, 'a> {
    type Error = DecodeError;

    #[inline]
    fn unit_variant(self) -> Result<(), DecodeError> {
        self.must_be(tag::UNIT_VARIANT)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        self.must_be(tag::NEWTYPE_VARIANT)?;
        seed.deserialize(Decoder(self.cursor))
    }

    fn tuple_variant<V: Visitor<'a>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.must_be(tag::TUPLE_VARIANT)?;
        sequence(self.cursor, visitor)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.must_be(tag::STRUCT_VARIANT)?;
        pairs(self.cursor, true, visitor)
    }
}

//! A `Serializer` for postcard's format. It rejects values that would not be read back correctly.

use std::fmt::{Display, Write};

use serde_core::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::byte::Byte;
use super::cursor::Cursor;
use super::refusal::Refusal;
use super::shape::{Leaf, MAX_DEPTH, Shape};
use super::sink::{Refused, Sink};
use super::varint;

/// Appends `value` to `out` if it has the given shape. Without a shape it accepts every value.
pub(super) fn write<T: Serialize>(
    value: &T,
    shape: Option<&Shape>,
    out: &mut Sink<'_>,
) -> Result<(), Refusal> {
    value.serialize(Checker { out, at: Cursor::start(shape), depth: 0 })
}

/// Writes one value and compares it with the shape at its place.
struct Checker<'w, 'k, 's> {
    out: &'w mut Sink<'k>,
    at: Cursor<'s>,
    depth: usize,
}

impl<'w, 'k, 's> Checker<'w, 'k, 's> {
    fn deeper(mut self) -> Result<Self, Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(Refusal::too_deep(MAX_DEPTH));
        }
        self.depth += 1;
        Ok(self)
    }

    fn product(self, len: usize) -> Result<Product<'w, 'k, 's>, Refusal> {
        let checker = self.deeper()?;
        let at = checker.at.product(len)?;
        Ok(Product { checker: Checker { at, ..checker }, declared: len, written: 0 })
    }

    /// Moves to the content of a variant.
    fn variant(mut self, index: u32, name: &'static str) -> Result<Self, Refusal> {
        self.at = self.at.variant(index, name)?;
        Ok(self)
    }

    fn collection(
        self,
        key: Cursor<'s>,
        value: Cursor<'s>,
        declared: usize,
    ) -> Result<Collection<'w, 'k, 's>, Refusal> {
        let checker = self.deeper()?;
        let entry_start = checker.out.position();
        Ok(Collection { checker, key, value, declared, written: 0, entry_start })
    }
}

/// `$write`: how the leaf is written to the sink.
macro_rules! leaves {
    ($($method:ident $leaf:ident $type:ty: $write:expr;)*) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<(), Refusal> {
            self.at.leaf(Leaf::$leaf)?;
            Ok($write(self.out, value)?)
        })*
    };
}

/// Writes bytes after their number.
fn run(out: &mut Sink<'_>, bytes: &[u8]) -> Result<(), Refused> {
    varint::write(out, bytes.len() as u64)?;
    out.extend(bytes)
}

#[inline]
fn unsigned(out: &mut Sink<'_>, value: impl Into<u64>) -> Result<(), Refused> {
    varint::write(out, value.into())
}

#[inline]
fn signed(out: &mut Sink<'_>, value: impl Into<i64>) -> Result<(), Refused> {
    varint::write(out, varint::zigzag(value.into()))
}

impl<'w, 'k, 's> Serializer for Checker<'w, 'k, 's> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Collection<'w, 'k, 's>;
    type SerializeTuple = Product<'w, 'k, 's>;
    type SerializeTupleStruct = Product<'w, 'k, 's>;
    type SerializeTupleVariant = Product<'w, 'k, 's>;
    type SerializeMap = Collection<'w, 'k, 's>;
    type SerializeStruct = Product<'w, 'k, 's>;
    type SerializeStructVariant = Product<'w, 'k, 's>;

    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        serialize_bool Bool bool: |out: &mut Sink<'_>, value| out.push(u8::from(value));
        serialize_i8 I8 i8: |out: &mut Sink<'_>, value: i8| out.push(value.to_le_bytes()[0]);
        serialize_i16 I16 i16: signed;
        serialize_i32 I32 i32: signed;
        serialize_i64 I64 i64: signed;
        serialize_i128 I128 i128: |out, value| varint::write_wide(out, varint::zigzag_wide(value));
        serialize_u8 U8 u8: Sink::push;
        serialize_u16 U16 u16: unsigned;
        serialize_u32 U32 u32: unsigned;
        serialize_u64 U64 u64: unsigned;
        serialize_u128 U128 u128: varint::write_wide;
        serialize_f32 F32 f32: |out: &mut Sink<'_>, value: f32| out.extend(&value.to_le_bytes());
        serialize_f64 F64 f64: |out: &mut Sink<'_>, value: f64| out.extend(&value.to_le_bytes());
        serialize_char Char char: |out, value: char| run(out, value.encode_utf8(&mut [0; 4]).as_bytes());
        serialize_str Str &str: |out, value: &str| run(out, value.as_bytes());
        serialize_bytes Bytes &[u8]: run;
    }

    /// Formats the value once: to write it as it is formatted would need its length before.
    fn collect_str<T: ?Sized + Display>(self, value: &T) -> Result<(), Refusal> {
        let mut text = String::new();
        write!(text, "{value}").map_err(|error| Refusal(error.to_string()))?;
        self.serialize_str(&text)
    }

    fn serialize_none(self) -> Result<(), Refusal> {
        let checker = self.deeper()?;
        checker.at.option()?;
        Ok(checker.out.push(0)?)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Refusal> {
        let checker = self.deeper()?;
        let at = checker.at.option()?;
        checker.out.push(1)?;
        value.serialize(Checker { at, ..checker })
    }

    fn serialize_unit(self) -> Result<(), Refusal> {
        self.at.product(0).map(drop)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refusal> {
        self.at.product(0).map(drop)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        value.serialize(self.deeper()?)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Refusal> {
        let checker = self.deeper()?;
        checker.at.variant(index, variant)?.product(0)?;
        Ok(unsigned(checker.out, index)?)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        let checker = self.deeper()?.variant(index, variant)?;
        let at = checker.at.newtype_variant()?;
        unsigned(checker.out, index)?;
        value.serialize(Checker { at, ..checker })
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, Refusal> {
        let len = len.ok_or_else(Refusal::unknown_length)?;
        let element = self.at.seq()?;
        varint::write(self.out, len as u64)?;
        self.collection(element, element, len)
    }

    /// Does what the default does, and finds once for all elements that they are bytes.
    fn collect_seq<I>(self, items: I) -> Result<(), Refusal>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let items = items.into_iter();
        let len = match items.size_hint() {
            (least, Some(most)) if least == most => Some(least),
            _ => None,
        };
        let mut seq = self.serialize_seq(len)?;
        match seq.value.known_leaf() {
            Some(Leaf::U8) => return seq.bytes(items),
            Some(_) => return seq.leaves(items),
            None => {}
        }
        for item in items {
            seq.serialize_element(&item)?;
        }
        seq.finish()
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, Refusal> {
        let len = len.ok_or_else(Refusal::unknown_length)?;
        let (key, value) = self.at.map()?;
        varint::write(self.out, len as u64)?;
        self.collection(key, value, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, Refusal> {
        self.product(len)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, Refusal> {
        self.product(len)
    }

    fn serialize_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, Refusal> {
        self.product(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, Refusal> {
        unsigned(self.out, index)?;
        self.variant(index, variant)?.product(len)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, Refusal> {
        self.serialize_tuple_variant(name, index, variant, len)
    }
}

/// A struct or tuple in progress. It must write as many parts as declared, each at the place where it is read.
struct Product<'w, 'k, 's> {
    checker: Checker<'w, 'k, 's>,
    declared: usize,
    written: usize,
}

impl Product<'_, '_, '_> {
    fn part<T: ?Sized + Serialize>(
        &mut self,
        name: Option<&'static str>,
        value: &T,
    ) -> Result<(), Refusal> {
        if self.written == self.declared {
            return Err(Refusal::declared("fields", self.declared));
        }
        let at = match name {
            None => self.checker.at.part(self.written),
            Some(name) => self.checker.at.field(self.written, name)?,
        };
        self.written += 1;
        value.serialize(Checker { out: &mut *self.checker.out, at, depth: self.checker.depth })
    }

    fn finish(&self) -> Result<(), Refusal> {
        if self.written == self.declared {
            Ok(())
        } else {
            Err(Refusal::declared("fields", self.declared))
        }
    }
}

macro_rules! products {
    ($($trait:ident $method:ident)*) => {
        $(impl $trait for Product<'_, '_, '_> {
            type Ok = ();
            type Error = Refusal;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Refusal> {
                self.part(None, value)
            }

            fn end(self) -> Result<(), Refusal> {
                self.finish()
            }
        })*
    };
}

products! {
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! named_products {
    ($($trait:ident)*) => {
        $(impl $trait for Product<'_, '_, '_> {
            type Ok = ();
            type Error = Refusal;

            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refusal> {
                self.part(Some(name), value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Refusal> {
                Err(Refusal::skipped(name))
            }

            fn end(self) -> Result<(), Refusal> {
                self.finish()
            }
        })*
    };
}

named_products! { SerializeStruct SerializeStructVariant }

/// Returns why a value is refused at a place.
#[cold]
fn refusal<T: Serialize>(value: &T, at: Cursor<'_>, depth: usize) -> Refusal {
    let mut sink = Sink::in_memory();
    let written = value.serialize(Checker { out: &mut sink, at, depth });
    // Ok: its Serialize writes something else each time.
    written.err().unwrap_or_else(Refusal::another_value)
}

/// A sequence or map in progress. It must write as many entries as declared, and each entry must take bytes.
struct Collection<'w, 'k, 's> {
    checker: Checker<'w, 'k, 's>,
    key: Cursor<'s>,
    value: Cursor<'s>,
    declared: usize,
    written: usize,
    /// Where the bytes of the current entry begin.
    entry_start: u64,
}

impl<'s> Collection<'_, '_, 's> {
    fn item<T: ?Sized + Serialize>(&mut self, at: Cursor<'s>, item: &T) -> Result<(), Refusal> {
        item.serialize(Checker { out: &mut *self.checker.out, at, depth: self.checker.depth })
    }

    /// Writes all elements, where leaves are read. Each leaf takes bytes.
    fn leaves(mut self, items: impl Iterator<Item: Serialize>) -> Result<(), Refusal> {
        for item in items {
            self.item(self.value, &item)?;
            self.written += 1;
        }
        self.finish()
    }

    /// Writes all elements, where bytes are read.
    fn bytes(mut self, items: impl Iterator<Item: Serialize>) -> Result<(), Refusal> {
        let (at, depth) = (self.value, self.checker.depth);
        let mut refused = Ok(());
        let mut bytes = items.map(|item| {
            item.serialize(Byte { depth }).unwrap_or_else(|_| {
                if refused.is_ok() {
                    refused = Err(refusal(&item, at, depth));
                }
                0
            })
        });
        // In pieces, each appended as a block.
        let mut piece = [0; 512];
        loop {
            let filled =
                piece.iter_mut().zip(&mut bytes).map(|(place, byte)| *place = byte).count();
            self.checker.out.extend(&piece[..filled])?;
            self.written += filled;
            if filled < piece.len() {
                break;
            }
        }
        drop(bytes);
        refused?;
        self.finish()
    }

    #[inline]
    fn end_entry(&mut self) -> Result<(), Refusal> {
        let len = self.checker.out.position();
        if len == self.entry_start {
            return Err(Refusal::elements_without_bytes());
        }
        self.entry_start = len;
        self.written += 1;
        Ok(())
    }

    fn finish(&self) -> Result<(), Refusal> {
        if self.written == self.declared {
            Ok(())
        } else {
            Err(Refusal::declared("elements", self.declared))
        }
    }
}

impl SerializeSeq for Collection<'_, '_, '_> {
    type Ok = ();
    type Error = Refusal;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Refusal> {
        self.item(self.value, value)?;
        self.end_entry()
    }

    fn end(self) -> Result<(), Refusal> {
        self.finish()
    }
}

impl SerializeMap for Collection<'_, '_, '_> {
    type Ok = ();
    type Error = Refusal;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Refusal> {
        self.item(self.key, key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Refusal> {
        self.item(self.value, value)?;
        self.end_entry()
    }

    fn end(self) -> Result<(), Refusal> {
        self.finish()
    }
}

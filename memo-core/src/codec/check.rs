//! A `Serializer` in front of that of postcard. It rejects values that postcard would write but not read back
//! correctly.

use std::fmt::{Display, Write};

use ::postcard::ser_flavors::Flavor;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::byte::Byte;
use super::cursor::Cursor;
use super::refusal::Refusal;
use super::shape::{Leaf, MAX_DEPTH, Shape};
use super::sink::{Refused, Sink};

/// Appends `value` to `out` if it has the given shape. Without a shape it accepts every value.
pub(super) fn write<T: Serialize>(
    value: &T,
    shape: Option<&Shape>,
    out: &mut Sink<'_>,
) -> Result<(), Refusal> {
    let mut inner = ::postcard::Serializer { output: Output(out) };
    value.serialize(Checker { inner: &mut inner, at: Cursor::start(shape), depth: 0 })
}

/// The output of postcard.
struct Output<'o, 's>(&'o mut Sink<'s>);

impl Flavor for Output<'_, '_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> ::postcard::Result<()> {
        // Most numbers and lengths have one byte.
        let taken = match data {
            [byte] => self.0.push(*byte),
            _ => self.0.extend(data),
        };
        taken.map_err(|Refused| ::postcard::Error::SerializeBufferFull)
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> ::postcard::Result<()> {
        self.0.push(data).map_err(|Refused| ::postcard::Error::SerializeBufferFull)
    }

    fn finalize(self) -> ::postcard::Result<()> {
        Ok(())
    }
}

/// Writes one value through postcard and compares it with the shape at its place.
struct Checker<'w, 'o, 'k, 's> {
    inner: &'w mut ::postcard::Serializer<Output<'o, 'k>>,
    at: Cursor<'s>,
    depth: usize,
}

impl<'w, 'o, 'k, 's> Checker<'w, 'o, 'k, 's> {
    fn deeper(mut self) -> Result<Self, Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(Refusal::too_deep(MAX_DEPTH));
        }
        self.depth += 1;
        Ok(self)
    }

    fn product(self, len: usize) -> Result<Product<'w, 'o, 'k, 's>, Refusal> {
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
    ) -> Result<Collection<'w, 'o, 'k, 's>, Refusal> {
        let checker = self.deeper()?;
        let entry_start = checker.inner.output.0.position();
        Ok(Collection { checker, key, value, declared, written: 0, entry_start })
    }
}

macro_rules! leaves {
    ($($method:ident $leaf:ident $type:ty)*) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<(), Refusal> {
            self.at.leaf(Leaf::$leaf)?;
            Ok(self.inner.$method(value)?)
        })*
    };
}

impl<'w, 'o, 'k, 's> Serializer for Checker<'w, 'o, 'k, 's> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Collection<'w, 'o, 'k, 's>;
    type SerializeTuple = Product<'w, 'o, 'k, 's>;
    type SerializeTupleStruct = Product<'w, 'o, 'k, 's>;
    type SerializeTupleVariant = Product<'w, 'o, 'k, 's>;
    type SerializeMap = Collection<'w, 'o, 'k, 's>;
    type SerializeStruct = Product<'w, 'o, 'k, 's>;
    type SerializeStructVariant = Product<'w, 'o, 'k, 's>;

    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        serialize_bool Bool bool
        serialize_i8 I8 i8
        serialize_i16 I16 i16
        serialize_i32 I32 i32
        serialize_i64 I64 i64
        serialize_i128 I128 i128
        serialize_u8 U8 u8
        serialize_u16 U16 u16
        serialize_u32 U32 u32
        serialize_u64 U64 u64
        serialize_u128 U128 u128
        serialize_f32 F32 f32
        serialize_f64 F64 f64
        serialize_char Char char
        serialize_str Str &str
        serialize_bytes Bytes &[u8]
    }

    /// Formats the value once. postcard would format it twice and rely on equal lengths.
    fn collect_str<T: ?Sized + Display>(self, value: &T) -> Result<(), Refusal> {
        let mut text = String::new();
        write!(text, "{value}").map_err(|error| Refusal(error.to_string()))?;
        self.serialize_str(&text)
    }

    fn serialize_none(self) -> Result<(), Refusal> {
        let checker = self.deeper()?;
        checker.at.option()?;
        Ok(checker.inner.serialize_none()?)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Refusal> {
        let checker = self.deeper()?;
        let at = checker.at.option()?;
        checker.inner.serialize_some(&())?;
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
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Refusal> {
        let checker = self.deeper()?;
        checker.at.variant(index, variant)?.product(0)?;
        Ok(checker.inner.serialize_unit_variant(name, index, variant)?)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        let checker = self.deeper()?.variant(index, variant)?;
        let at = checker.at.newtype_variant()?;
        checker.inner.serialize_unit_variant(name, index, variant)?;
        value.serialize(Checker { at, ..checker })
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, Refusal> {
        let len = len.ok_or_else(Refusal::unknown_length)?;
        let element = self.at.seq()?;
        self.inner.serialize_seq(Some(len))?;
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
        self.inner.serialize_map(Some(len))?;
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
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, Refusal> {
        self.inner.serialize_unit_variant(name, index, variant)?;
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
struct Product<'w, 'o, 'k, 's> {
    checker: Checker<'w, 'o, 'k, 's>,
    declared: usize,
    written: usize,
}

impl Product<'_, '_, '_, '_> {
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
        value.serialize(Checker { inner: &mut *self.checker.inner, at, depth: self.checker.depth })
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
        $(impl $trait for Product<'_, '_, '_, '_> {
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
        $(impl $trait for Product<'_, '_, '_, '_> {
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
    let mut inner = ::postcard::Serializer { output: Output(&mut sink) };
    let written = value.serialize(Checker { inner: &mut inner, at, depth });
    // Ok: its Serialize writes something else each time.
    written.err().unwrap_or_else(Refusal::another_value)
}

/// A sequence or map in progress. It must write as many entries as declared, and each entry must take bytes.
struct Collection<'w, 'o, 'k, 's> {
    checker: Checker<'w, 'o, 'k, 's>,
    key: Cursor<'s>,
    value: Cursor<'s>,
    declared: usize,
    written: usize,
    /// Where the bytes of the current entry begin.
    entry_start: u64,
}

impl<'s> Collection<'_, '_, '_, 's> {
    fn item<T: ?Sized + Serialize>(&mut self, at: Cursor<'s>, item: &T) -> Result<(), Refusal> {
        item.serialize(Checker { inner: &mut *self.checker.inner, at, depth: self.checker.depth })
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
            self.checker.inner.output.try_extend(&piece[..filled])?;
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
        let len = self.checker.inner.output.0.position();
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

impl SerializeSeq for Collection<'_, '_, '_, '_> {
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

impl SerializeMap for Collection<'_, '_, '_, '_> {
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

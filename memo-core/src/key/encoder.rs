//! The serializer that encodes arguments, for every kind of sink.

use std::any::type_name;
use std::cell::Cell;
use std::fmt::{Display, Write as _};
use std::marker::PhantomData;

use serde_core::ser::{self, Serialize};

use super::containers::{self, is_unordered};
use super::sink::{ItemPart, Sink};
use super::tag::{self, NoKey};

/// The start of the name of an [`Encoder`].
pub(super) const NAME: &str = concat!(module_path!(), "::Encoder<");

/// Encodes one value of the type `T` into a sink. `depth` counts the levels of nesting that are still allowed.
pub(crate) struct Encoder<'s, S, T: ?Sized> {
    sink: &'s mut S,
    depth: u32,
    value: PhantomData<*const T>,
}

/// The tags for [`Encoder::parts`].
const SEQUENCE: [u8; 2] = [tag::SET, tag::SEQ];
const MAP: [u8; 2] = [tag::MAP, tag::ENTRIES];

/// The `T` of a container whose order has no meaning, whatever its own type is.
struct Unordered;

/// Encodes a value into `sink`. If that fails, it poisons the sink, because no other value may follow an incomplete
/// one.
#[inline]
pub(crate) fn encode<S, T>(sink: &mut S, depth: u32, value: &T) -> Result<(), NoKey>
where
    S: Sink,
    T: Serialize + ?Sized,
{
    let outcome = value.serialize(Encoder::<S, T> { sink, depth, value: PhantomData });
    if let Err(reason) = outcome {
        sink.poison(reason);
    }
    outcome
}

impl<'s, S: Sink, T: ?Sized> Encoder<'s, S, T> {
    /// Encodes a value inside this one.
    #[inline(always)]
    fn inner<V: Serialize + ?Sized>(self, value: &V) -> Result<(), NoKey> {
        let Self { sink, depth, .. } = self.deeper()?;
        encode(sink, depth, value)
    }

    #[inline(always)]
    fn deeper(self) -> Result<Self, NoKey> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => {
                self.sink.poison(NoKey::TooDeep);
                Err(NoKey::TooDeep)
            }
        }
    }

    /// Writes the part that starts every variant.
    #[inline(always)]
    fn variant(self, tag: u8, name: &str, index: u32, variant: &str) -> Result<Self, NoKey> {
        self.sink.fixed(tag, index.to_le_bytes())?;
        self.sink.name(name)?;
        self.sink.name(variant)?;
        Ok(self)
    }

    #[inline(always)]
    fn ordered(self, tag: u8) -> Result<Ordered<'s, S>, NoKey> {
        self.sink.fixed(tag, [])?;
        Ok(self.deeper()?.within())
    }

    /// Begins a sequence or map. The tags are those of one whose order has no meaning, and of one whose order counts.
    #[inline(always)]
    fn parts(self, unordered: bool, tags: [u8; 2]) -> Result<Parts<'s, S>, NoKey> {
        if unordered {
            self.bag(tags[0]).map(Parts::Unordered)
        } else {
            self.ordered(tags[1]).map(Parts::Ordered)
        }
    }

    fn bag(self, tag: u8) -> Result<Bag<'s, S>, NoKey> {
        let Self { sink, depth, .. } = self.deeper()?;
        let bag = sink.open_bag(tag)?;
        Ok(Bag { sink, depth, bag })
    }

    #[inline(always)]
    fn fields(self) -> Result<Fields<'s, S>, NoKey> {
        let mut within = self.within();
        let fields = within.sink.open_fields()?;
        Ok(Fields { within, fields })
    }

    #[inline(always)]
    fn within(self) -> Ordered<'s, S> {
        Ordered { sink: self.sink.enter(), depth: self.depth }
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) = $tag:ident,)*) => {$(
        #[inline]
        fn $method(self, v: $type) -> Result<(), NoKey> {
            self.sink.fixed(tag::$tag, v.to_le_bytes())
        }
    )*};
}

impl<'s, S: Sink, T: ?Sized> ser::Serializer for Encoder<'s, S, T> {
    type Ok = ();
    type Error = NoKey;
    type SerializeSeq = Parts<'s, S>;
    type SerializeTuple = Parts<'s, S>;
    type SerializeTupleStruct = Ordered<'s, S>;
    type SerializeTupleVariant = Ordered<'s, S>;
    type SerializeMap = Map<'s, S>;
    type SerializeStruct = Fields<'s, S>;
    type SerializeStructVariant = Fields<'s, S>;

    scalars! {
        serialize_u8(u8) = U8,
        serialize_u16(u16) = U16,
        serialize_u32(u32) = U32,
        serialize_u64(u64) = U64,
        serialize_u128(u128) = U128,
        serialize_i8(i8) = I8,
        serialize_i16(i16) = I16,
        serialize_i32(i32) = I32,
        serialize_i64(i64) = I64,
        serialize_i128(i128) = I128,
    }

    #[inline]
    fn serialize_bool(self, v: bool) -> Result<(), NoKey> {
        // Without a branch, because a processor could not predict it.
        self.sink.fixed(tag::FALSE + u8::from(v), [])
    }

    // All NaN are equal in a key. Their bits differ by platform and by operation, and those of `f32::NAN` may too.
    #[inline]
    fn serialize_f32(self, v: f32) -> Result<(), NoKey> {
        let bits = if v.is_nan() { 0x7fc0_0000 } else { v.to_bits() };
        self.sink.fixed(tag::F32, bits.to_le_bytes())
    }

    #[inline]
    fn serialize_f64(self, v: f64) -> Result<(), NoKey> {
        let bits = if v.is_nan() { 0x7ff8_0000_0000_0000 } else { v.to_bits() };
        self.sink.fixed(tag::F64, bits.to_le_bytes())
    }

    #[inline]
    fn serialize_char(self, v: char) -> Result<(), NoKey> {
        self.sink.fixed(tag::CHAR, u32::from(v).to_le_bytes())
    }

    #[inline(always)]
    fn serialize_str(self, v: &str) -> Result<(), NoKey> {
        self.sink.blob(tag::STR, v.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, v: &[u8]) -> Result<(), NoKey> {
        self.sink.blob(tag::BYTES, v)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), NoKey> {
        self.sink.fixed(tag::NONE, [])
    }

    #[inline]
    fn serialize_some<V: Serialize + ?Sized>(self, value: &V) -> Result<(), NoKey> {
        self.sink.fixed(tag::SOME, [])?;
        self.inner(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), NoKey> {
        self.sink.fixed(tag::UNIT, [])
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), NoKey> {
        self.sink.fixed(tag::UNIT_STRUCT, [])?;
        self.sink.name(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), NoKey> {
        self.variant(tag::UNIT_VARIANT, name, index, variant).map(drop)
    }

    #[inline]
    fn serialize_newtype_struct<V: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &V,
    ) -> Result<(), NoKey> {
        if name == containers::UNORDERED {
            let Self { sink, depth, .. } = self;
            return value.serialize(Encoder::<S, Unordered> { sink, depth, value: PhantomData });
        }
        self.sink.fixed(tag::NEWTYPE_STRUCT, [])?;
        self.sink.name(name)?;
        self.inner(value)
    }

    fn serialize_newtype_variant<V: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &V,
    ) -> Result<(), NoKey> {
        self.variant(tag::NEWTYPE_VARIANT, name, index, variant)?.inner(value)
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'s, S>, NoKey> {
        self.parts(is_unordered(type_name::<T>()), SEQUENCE)
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Parts<'s, S>, NoKey> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Ordered<'s, S>, NoKey> {
        self.sink.fixed(tag::TUPLE_STRUCT, [])?;
        self.sink.name(name)?;
        Ok(self.deeper()?.within())
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Ordered<'s, S>, NoKey> {
        Ok(self.variant(tag::TUPLE_VARIANT, name, index, variant)?.deeper()?.within())
    }

    /// The derive of a struct with `#[serde(flatten)]` announces no length. Its fields have no order, as those of any
    /// struct.
    fn serialize_map(self, len: Option<usize>) -> Result<Map<'s, S>, NoKey> {
        let entries = self.parts(len.is_none() || is_unordered(type_name::<T>()), MAP)?;
        Ok(Map { entries, has_open_key: false })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'s, S>, NoKey> {
        self.sink.fixed(tag::STRUCT, [])?;
        self.sink.name(name)?;
        self.deeper()?.fields()
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'s, S>, NoKey> {
        self.variant(tag::STRUCT_VARIANT, name, index, variant)?.deeper()?.fields()
    }

    /// Containers of the standard library and similar ones pass themselves to this method. Their type therefore tells a
    /// set, whose order does not count, from a sequence.
    #[inline]
    fn collect_seq<I>(self, iter: I) -> Result<(), NoKey>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        // Not by way of `Parts`, from which the compiler does not always remove the kind that this is not.
        if is_unordered(type_name::<I>()) || is_unordered(type_name::<T>()) {
            let mut elements = self.bag(SEQUENCE[0])?;
            iter.into_iter().try_for_each(|item| elements.part(ItemPart::Element, &item))?;
            return elements.close();
        }
        let mut elements = self.ordered(SEQUENCE[1])?;
        for item in iter {
            elements.value(&item)?;
        }
        elements.close()
    }

    /// Maps pass themselves to this method, as sets do to `collect_seq`.
    #[inline]
    fn collect_map<K, V, I>(self, iter: I) -> Result<(), NoKey>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        if is_unordered(type_name::<I>()) || is_unordered(type_name::<T>()) {
            let mut entries = self.bag(MAP[0])?;
            iter.into_iter().try_for_each(|(key, value)| {
                entries.part(ItemPart::Key, &key)?;
                entries.part(ItemPart::Value, &value)
            })?;
            return entries.close();
        }
        let mut entries = self.ordered(MAP[1])?;
        iter.into_iter().try_for_each(|(key, value)| {
            entries.value(&key)?;
            entries.value(&value)
        })?;
        entries.close()
    }

    /// Reuses a buffer. The default implementation would build a new `String` at each hit.
    fn collect_str<V: Display + ?Sized>(self, value: &V) -> Result<(), NoKey> {
        thread_local! {
            static TEXT: Cell<String> = const { Cell::new(String::new()) };
        }
        // Taken out and not borrowed, because the `Display` of the value may call this method again.
        let mut text = TEXT.try_with(Cell::take).unwrap_or_default();
        text.clear();
        let written = write!(text, "{value}").map_err(|_| NoKey::Refused);
        let outcome = written.and_then(|()| self.serialize_str(&text));
        if text.capacity() <= tag::MAX_LENGTH {
            let _ = TEXT.try_with(|cell| cell.set(text));
        }
        outcome
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Values in progress whose order counts: values, then an end mark.
pub(crate) struct Ordered<'s, S: Sink + 's> {
    sink: S::Within<'s>,
    depth: u32,
}

impl<S: Sink> Ordered<'_, S> {
    #[inline(always)]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoKey> {
        encode(&mut *self.sink, self.depth, value)
    }

    #[inline(always)]
    fn close(mut self) -> Result<(), NoKey> {
        let outcome = self.sink.fixed(tag::END, []);
        S::leave(self.sink);
        outcome
    }
}

macro_rules! ordered {
    ($($trait:ident::$method:ident,)*) => {$(
        impl<S: Sink> ser::$trait for Ordered<'_, S> {
            type Ok = ();
            type Error = NoKey;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoKey> {
                self.value(value)
            }
            #[inline]
            fn end(self) -> Result<(), NoKey> {
                self.close()
            }
        }
    )*};
}

ordered! {
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// The fields of a struct in progress, in any order.
pub(crate) struct Fields<'s, S: Sink> {
    within: Ordered<'s, S>,
    fields: S::Fields,
}

macro_rules! fields {
    ($($trait:ident,)*) => {$(
        impl<S: Sink> ser::$trait for Fields<'_, S> {
            type Ok = ();
            type Error = NoKey;
            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NoKey> {
                self.within.sink.open_field(&mut self.fields, name)?;
                self.within.value(value)?;
                self.within.sink.close_field(&mut self.fields)
            }
            #[inline]
            fn end(mut self) -> Result<(), NoKey> {
                let outcome = self.within.sink.close_fields(self.fields);
                S::leave(self.within.sink);
                outcome
            }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant, }

/// The entries of a map or the elements of a set in progress, in any order.
pub(crate) struct Bag<'s, S: Sink> {
    sink: &'s mut S,
    depth: u32,
    bag: S::Bag,
}

impl<S: Sink> Bag<'_, S> {
    #[inline(always)]
    fn part<T: Serialize + ?Sized>(&mut self, part: ItemPart, value: &T) -> Result<(), NoKey> {
        let outcome = self.sink.bag_part(&mut self.bag, self.depth, part, value);
        if let Err(reason) = outcome {
            self.sink.poison(reason);
        }
        outcome
    }

    fn close(self) -> Result<(), NoKey> {
        self.sink.close_bag(self.bag)
    }
}

/// A sequence, tuple or map in progress.
pub(crate) enum Parts<'s, S: Sink> {
    Ordered(Ordered<'s, S>),
    Unordered(Bag<'s, S>),
}

impl<S: Sink> Parts<'_, S> {
    #[inline(always)]
    fn part<T: Serialize + ?Sized>(&mut self, part: ItemPart, value: &T) -> Result<(), NoKey> {
        match self {
            Self::Ordered(parts) => parts.value(value),
            Self::Unordered(bag) => bag.part(part, value),
        }
    }

    #[inline(always)]
    fn close(self) -> Result<(), NoKey> {
        match self {
            Self::Ordered(parts) => parts.close(),
            Self::Unordered(bag) => bag.close(),
        }
    }

    #[cold]
    fn refuse(&mut self) -> Result<(), NoKey> {
        match self {
            Self::Ordered(parts) => parts.sink.poison(NoKey::Refused),
            Self::Unordered(bag) => bag.sink.poison(NoKey::Refused),
        }
        Err(NoKey::Refused)
    }
}

macro_rules! elements {
    ($($trait:ident,)*) => {$(
        impl<S: Sink> ser::$trait for Parts<'_, S> {
            type Ok = ();
            type Error = NoKey;
            #[inline]
            fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoKey> {
                self.part(ItemPart::Element, value)
            }
            #[inline]
            fn end(self) -> Result<(), NoKey> {
                self.close()
            }
        }
    )*};
}

elements! { SerializeSeq, SerializeTuple, }

/// A map in progress whose `Serialize` gives keys and values one by one.
pub(crate) struct Map<'s, S: Sink> {
    entries: Parts<'s, S>,
    /// A key was written and its value is still missing.
    has_open_key: bool,
}

impl<S: Sink> Map<'_, S> {
    /// Fails if a hand-written `Serialize` writes two keys in a row, or a value without a key.
    fn part<T: Serialize + ?Sized>(&mut self, part: ItemPart, value: &T) -> Result<(), NoKey> {
        if self.has_open_key == part.opens() {
            return self.entries.refuse();
        }
        self.has_open_key = !part.closes();
        self.entries.part(part, value)
    }
}

impl<S: Sink> ser::SerializeMap for Map<'_, S> {
    type Ok = ();
    type Error = NoKey;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoKey> {
        self.part(ItemPart::Key, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoKey> {
        self.part(ItemPart::Value, value)
    }

    fn end(mut self) -> Result<(), NoKey> {
        if self.has_open_key { self.entries.refuse() } else { self.entries.close() }
    }
}

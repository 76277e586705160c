//! A `Deserializer` that supplies sample values and reports every request to the [`Explorer`].

use std::any::type_name;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_core::de::value::U32Deserializer;
use serde_core::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::explore::{Entered, Explorer, Slot, Untraced};
use super::samples;
use super::shape::{Kind, Leaf, NodeId, Shape};

/// Finds the shape of `T`.
pub(super) fn trace<T: Deserialize<'static>>() -> Result<Shape, Untraced> {
    let explorer = RefCell::new(Explorer::new());
    Explorer::run(&explorer, || {
        let slot = Slot { parent: Shape::ROOT, index: 0 };
        let tracer = Tracer { explorer: &explorer, slot, minimal: false };
        // If the user's `Deserialize` panics on a sample value, the user's call must not fail.
        match catch_unwind(AssertUnwindSafe(|| T::deserialize(tracer).map(drop))) {
            Ok(result) => result.map_err(|stop| stop.0),
            Err(_) => Err("it panicked".into()),
        }
    })?;
    Ok(explorer.into_inner().shape)
}

/// The early end of a pass. The explorer has the reason, unless the type itself rejected a value.
#[derive(Debug)]
struct Stop(String);

impl Stop {
    fn explorer() -> Self {
        Self("tracing has stopped".into())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stop {}

impl serde_core::de::Error for Stop {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// Supplies the value at one place of the shape.
#[derive(Clone, Copy)]
struct Tracer<'t> {
    explorer: &'t RefCell<Explorer>,
    slot: Slot,
    minimal: bool,
}

impl<'t> Tracer<'t> {
    fn leaf<V: Visitor<'static>>(self, leaf: Leaf, visitor: V) -> Result<V::Value, Stop> {
        let begun = self.explorer.borrow_mut().begin_leaf(self.slot, Kind::Leaf(leaf));
        let (id, choice) = begun.ok_or_else(Stop::explorer)?;
        let result = samples::offer(leaf, choice, visitor);
        self.explorer.borrow_mut().end_leaf(id, result.is_ok());
        result
    }

    fn unit(self, kind: Kind) -> Result<(), Stop> {
        if self.explorer.borrow_mut().unit(self.slot, kind) {
            Ok(())
        } else {
            Err(Stop::explorer())
        }
    }

    fn enter(self, kind: Kind, visitor: Option<&'static str>) -> Result<Entered, Stop> {
        let entered = self.explorer.borrow_mut().enter(self.slot, kind, visitor, self.minimal);
        entered.ok_or_else(Stop::explorer)
    }

    fn leave<R>(
        self,
        entered: &Entered,
        parts: Option<usize>,
        result: Result<R, Stop>,
    ) -> Result<R, Stop> {
        self.explorer.borrow_mut().leave(entered, result.is_ok(), parts);
        result
    }

    fn child(self, entered: &Entered, index: usize) -> Self {
        let slot = Slot { parent: entered.id, index };
        Self { explorer: self.explorer, slot, minimal: entered.minimal }
    }

    fn product<V: Visitor<'static>>(
        self,
        kind: Kind,
        name: Option<&'static str>,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let entered = self.enter(kind, name)?;
        let mut parts = Parts { tracer: self.child(&entered, 0), taken: 0, len };
        let result = visitor.visit_seq(&mut parts);
        self.leave(&entered, Some(parts.taken), result)
    }

    /// Traces an option, a sequence or a map, all of which can be empty.
    fn optional<R>(
        self,
        kind: Kind,
        name: &'static str,
        visit: impl FnOnce(Self, usize) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let entered = self.enter(kind, Some(name))?;
        let len = self.explorer.borrow_mut().elements(&entered);
        let result = visit(self.child(&entered, 0), len);
        if result.is_err() {
            self.explorer.borrow_mut().block(entered.id, 0);
        }
        self.leave(&entered, None, result)
    }

    /// Fails: the type asks the data what follows. postcard does not record that, so it cannot read such a type.
    fn unsupported<R>(self) -> Result<R, Stop> {
        self.explorer.borrow_mut().fail(Untraced::Unsupported(
            "its Deserialize asks the data what it is, as untagged and internally tagged enums, `flatten` and \
             `serde_json::Value` do, and postcard does not record that"
                .into(),
        ));
        Err(Stop::explorer())
    }
}

macro_rules! leaves {
    ($($method:ident $leaf:ident)*) => {
        $(fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stop> {
            self.leaf(Leaf::$leaf, visitor)
        })*
    };
}

impl Deserializer<'static> for Tracer<'_> {
    type Error = Stop;

    fn is_human_readable(&self) -> bool {
        false
    }

    leaves! {
        deserialize_bool Bool
        deserialize_i8 I8
        deserialize_i16 I16
        deserialize_i32 I32
        deserialize_i64 I64
        deserialize_i128 I128
        deserialize_u8 U8
        deserialize_u16 U16
        deserialize_u32 U32
        deserialize_u64 U64
        deserialize_u128 U128
        deserialize_f32 F32
        deserialize_f64 F64
        deserialize_char Char
        deserialize_str Str
        deserialize_string Str
        deserialize_bytes Bytes
        deserialize_byte_buf Bytes
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.unit(Kind::Unit)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.unit(Kind::UnitStruct(name))?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.optional(Kind::Option, type_name::<V>(), |inner, len| match len {
            0 => visitor.visit_none(),
            _ => visitor.visit_some(inner),
        })
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.optional(Kind::Seq, type_name::<V>(), |tracer, left| {
            visitor.visit_seq(Elements { tracer, left })
        })
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.optional(Kind::Map, type_name::<V>(), |tracer, left| {
            visitor.visit_map(Elements { tracer, left })
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let entered = self.enter(Kind::Newtype(name), Some(type_name::<V>()))?;
        let result = visitor.visit_newtype_struct(self.child(&entered, 0));
        self.leave(&entered, None, result)
    }

    fn deserialize_tuple<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.product(Kind::Tuple(len), Some(type_name::<V>()), len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.product(Kind::TupleStruct(name, len), Some(type_name::<V>()), len, visitor)
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let kind = Kind::Struct(name, fields);
        self.product(kind, Some(type_name::<V>()), fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let entered = self.enter(Kind::Enum(name, variants), Some(type_name::<V>()))?;
        let chosen = self.explorer.borrow_mut().variant(&entered);
        let result = match chosen {
            None => Err(Stop::explorer()),
            Some(index) => {
                let content = self.child(&entered, index);
                let result = visitor.visit_enum(Chosen { content, id: entered.id });
                if result.is_err() {
                    self.explorer.borrow_mut().block(entered.id, index);
                }
                result
            }
        };
        self.leave(&entered, None, result)
    }

    fn deserialize_any<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stop> {
        self.unsupported()
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stop> {
        self.unsupported()
    }

    fn deserialize_identifier<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stop> {
        self.unsupported()
    }
}

/// The parts of a product, each at its own place.
struct Parts<'t> {
    tracer: Tracer<'t>,
    taken: usize,
    len: usize,
}

impl SeqAccess<'static> for Parts<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        if self.taken == self.len {
            return Ok(None);
        }
        let mut part = self.tracer;
        part.slot.index = self.taken;
        self.taken += 1;
        seed.deserialize(part).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.taken)
    }
}

/// The elements or entries of a container, all at the same place.
struct Elements<'t> {
    tracer: Tracer<'t>,
    left: usize,
}

impl SeqAccess<'static> for Elements<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.tracer).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl MapAccess<'static> for Elements<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        let mut value = self.tracer;
        value.slot.index = 1;
        seed.deserialize(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A variant that the explorer chose. The place of its content is the number of the variant.
struct Chosen<'t> {
    content: Tracer<'t>,
    id: NodeId,
}

impl<'t> EnumAccess<'static> for Chosen<'t> {
    type Error = Stop;
    type Variant = Tracer<'t>;

    fn variant_seed<S: DeserializeSeed<'static>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Tracer<'t>), Stop> {
        let index = self.content.slot.index;
        let number = u32::try_from(index).map_err(serde_core::de::Error::custom)?;
        let number: U32Deserializer<Stop> = number.into_deserializer();
        match seed.deserialize(number) {
            Ok(variant) => Ok((variant, self.content)),
            Err(stop) => {
                self.content.explorer.borrow_mut().no_such_variant(self.id, index);
                Err(stop)
            }
        }
    }
}

impl VariantAccess<'static> for Tracer<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.unit(Kind::UnitVariant)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<S::Value, Stop> {
        let entered = self.enter(Kind::NewtypeVariant, None)?;
        let result = seed.deserialize(self.child(&entered, 0));
        self.leave(&entered, None, result)
    }

    fn tuple_variant<V: Visitor<'static>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        self.product(Kind::TupleVariant(len), None, len, visitor)
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.product(Kind::StructVariant(fields), None, fields.len(), visitor)
    }
}

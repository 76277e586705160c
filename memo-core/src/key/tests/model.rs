//! Values of the whole serde data model, and an equality that is independent of the encoding.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A small generator of random numbers. A seed reproduces a failure.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % n
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

type Name = &'static str;

#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Value {
    Unit,
    Bool(bool),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    /// A float, by its bits.
    F32(u32),
    F64(u64),
    Char(char),
    Str(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Value>),
    UnitStruct(Name),
    Newtype(Name, Box<Value>),
    Seq(Vec<Value>),
    /// The elements of a set or heap, in the order of iteration.
    Set(Vec<Value>),
    Tuple(Vec<Value>),
    TupleStruct(Name, Vec<Value>),
    /// A map whose order has no meaning. Its keys differ.
    Map(Vec<(Value, Value)>),
    /// A map whose order has a meaning. A key may occur more than once.
    Entries(Vec<(Value, Value)>),
    Struct(Name, Vec<(Name, Value)>),
    UnitVariant(Name, u32, Name),
    NewtypeVariant(Name, u32, Name, Box<Value>),
    TupleVariant(Name, u32, Name, Vec<Value>),
    StructVariant(Name, u32, Name, Vec<(Name, Value)>),
}

use Value as V;

const NAMES: &[Name] = &["", "a", "b", "ab", "A", "\u{fe}", "a\0"];
const TEXTS: &[&str] = &["", "a", "\u{1}a", "\u{11}\u{1}a", "\0", "\u{fe}\u{ff}", "ab"];

impl Value {
    /// Makes a small value, so that two values are often similar.
    pub(super) fn random(random: &mut Random, depth: u32) -> Self {
        let kinds = if depth == 0 { 18 } else { 32 };
        let small = random.pick(&[0u8, 1, 2, 0x7f, 0xfe, 0xff]);
        let name = random.pick(NAMES);
        let index = random.pick(&[0u32, 1, 254]);
        let variant = random.pick(NAMES);
        match random.below(kinds) {
            0 => V::Unit,
            1 => V::Bool(small & 1 == 1),
            2 => V::U8(small),
            3 => V::U16(small.into()),
            4 => V::U32(small.into()),
            5 => V::U64(small.into()),
            6 => V::U128(small.into()),
            7 => V::I8(small.cast_signed()),
            8 => V::I16(small.into()),
            9 => V::I32(small.into()),
            10 => V::I64(small.into()),
            11 => V::I128(small.into()),
            12 => V::F32(
                random.pick(&[0.0f32, -0.0, 1.0, f32::INFINITY, f32::NAN, -f32::NAN]).to_bits(),
            ),
            13 => V::F64(
                random.pick(&[0.0f64, -0.0, 1.0, f64::INFINITY, f64::NAN, -f64::NAN]).to_bits(),
            ),
            14 => V::Char(random.pick(&['\0', 'a', '\u{11}', '\u{10ffff}'])),
            15 => V::Str(random.pick(TEXTS).to_owned()),
            16 => V::Bytes(random.pick(TEXTS).as_bytes().to_vec()),
            17 => V::None,
            18 => V::Some(Box::new(Self::random(random, depth - 1))),
            19 => V::UnitStruct(name),
            20 => V::Newtype(name, Box::new(Self::random(random, depth - 1))),
            21 => V::Seq(Self::many(random, depth)),
            22 => V::Tuple(Self::many(random, depth)),
            23 => V::TupleStruct(name, Self::many(random, depth)),
            24 => V::Map(Self::entries(random, depth)).with_different_keys(),
            25 => V::Struct(name, Self::fields(random, depth)),
            26 => V::UnitVariant(name, index, variant),
            27 => {
                V::NewtypeVariant(name, index, variant, Box::new(Self::random(random, depth - 1)))
            }
            28 => V::Set(Self::many(random, depth)),
            30 => V::Entries(Self::entries(random, depth)),
            29 => V::TupleVariant(name, index, variant, Self::many(random, depth)),
            _ => V::StructVariant(name, index, variant, Self::fields(random, depth)),
        }
    }

    fn many(random: &mut Random, depth: u32) -> Vec<Self> {
        (0..random.below(4)).map(|_| Self::random(random, depth - 1)).collect()
    }

    fn entries(random: &mut Random, depth: u32) -> Vec<(Self, Self)> {
        Self::many(random, depth).into_iter().zip(Self::many(random, depth)).collect()
    }

    /// Removes entries of maps without order until their keys differ. A map with duplicate keys has no key.
    pub(super) fn with_different_keys(mut self) -> Self {
        self.visit(&mut |value| {
            if let V::Map(entries) = value {
                let mut seen = Vec::new();
                entries.retain(|(key, _)| {
                    let key = key.normal();
                    let is_new = !seen.contains(&key);
                    seen.push(key);
                    is_new
                });
            }
        });
        self
    }

    /// Makes fields with different names, in any order.
    fn fields(random: &mut Random, depth: u32) -> Vec<(Name, Self)> {
        let mut names = NAMES.to_vec();
        random.shuffle(&mut names);
        names.truncate(random.below(4));
        names.into_iter().map(|name| (name, Self::random(random, depth - 1))).collect()
    }

    /// Returns the same value with maps, sets and fields in other orders.
    pub(super) fn permuted(&self, random: &mut Random) -> Self {
        let mut out = self.clone();
        out.visit(&mut |value| match value {
            V::Map(entries) => random.shuffle(entries),
            V::Set(items) => random.shuffle(items),
            V::Struct(_, fields) | V::StructVariant(_, _, _, fields) => random.shuffle(fields),
            V::Seq(items) => *value = V::Tuple(std::mem::take(items)),
            V::Tuple(items) => *value = V::Seq(std::mem::take(items)),
            _ => {}
        });
        out
    }

    /// Returns the value with one part replaced. The result may be equal to the value.
    pub(super) fn mutated(&self, random: &mut Random) -> Self {
        let mut out = self.clone();
        let mut count = 0;
        out.visit(&mut |_| count += 1);
        let mut chosen = random.below(count);
        out.visit(&mut |value| {
            if chosen == 0 {
                *value = match (random.below(5), &*value) {
                    (0, inner) => V::Some(Box::new(inner.clone())),
                    (1, V::Some(inner) | V::Newtype(_, inner)) => (**inner).clone(),
                    (2, V::Str(text)) => V::Bytes(text.clone().into_bytes()),
                    (3, V::Set(items)) => V::Seq(items.clone()),
                    (3, V::Entries(entries)) => V::Map(entries.clone()),
                    (3, inner) => V::Seq(vec![inner.clone()]),
                    (4, V::Seq(items)) => V::Set(items.clone()),
                    (4, V::Map(entries)) => V::Entries(entries.clone()),
                    (4, V::Entries(entries)) if entries.len() > 1 => {
                        V::Entries(entries.iter().rev().cloned().collect())
                    }
                    (4, inner) => V::Set(vec![inner.clone()]),
                    _ => V::random(random, 1),
                };
                chosen = usize::MAX;
            } else if chosen != usize::MAX {
                chosen -= 1;
            }
        });
        out.with_different_keys()
    }

    /// Calls `f` on the parts of this value, and then on itself.
    fn visit(&mut self, f: &mut impl FnMut(&mut Self)) {
        match self {
            V::Some(inner) | V::Newtype(_, inner) | V::NewtypeVariant(_, _, _, inner) => {
                inner.visit(f);
            }
            V::Seq(items)
            | V::Set(items)
            | V::Tuple(items)
            | V::TupleStruct(_, items)
            | V::TupleVariant(_, _, _, items) => items.iter_mut().for_each(|item| item.visit(f)),
            V::Map(entries) | V::Entries(entries) => entries.iter_mut().for_each(|(key, value)| {
                key.visit(f);
                value.visit(f);
            }),
            V::Struct(_, fields) | V::StructVariant(_, _, _, fields) => {
                fields.iter_mut().for_each(|(_, value)| value.visit(f));
            }
            _ => {}
        }
        f(self);
    }

    /// Returns one form for all values that are alike by the documentation of [`Key`](super::super::Key).
    pub(super) fn normal(&self) -> Self {
        let mut out = self.clone();
        out.visit(&mut |value| match value {
            V::F32(bits) if f32::from_bits(*bits).is_nan() => *bits = f32::NAN.to_bits(),
            V::F64(bits) if f64::from_bits(*bits).is_nan() => *bits = f64::NAN.to_bits(),
            V::Tuple(items) => *value = V::Seq(std::mem::take(items)),
            V::Map(entries) => entries.sort_by(|a, b| a.partial_cmp(b).unwrap()),
            V::Set(items) => items.sort_by(|a, b| a.partial_cmp(b).unwrap()),
            V::Struct(_, fields) | V::StructVariant(_, _, _, fields) => {
                fields.sort_by(|a, b| a.partial_cmp(b).unwrap());
            }
            _ => {}
        });
        out
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            V::Unit => s.serialize_unit(),
            V::Bool(v) => s.serialize_bool(*v),
            V::U8(v) => s.serialize_u8(*v),
            V::U16(v) => s.serialize_u16(*v),
            V::U32(v) => s.serialize_u32(*v),
            V::U64(v) => s.serialize_u64(*v),
            V::U128(v) => s.serialize_u128(*v),
            V::I8(v) => s.serialize_i8(*v),
            V::I16(v) => s.serialize_i16(*v),
            V::I32(v) => s.serialize_i32(*v),
            V::I64(v) => s.serialize_i64(*v),
            V::I128(v) => s.serialize_i128(*v),
            V::F32(v) => s.serialize_f32(f32::from_bits(*v)),
            V::F64(v) => s.serialize_f64(f64::from_bits(*v)),
            V::Char(v) => s.serialize_char(*v),
            V::Str(v) => s.serialize_str(v),
            V::Bytes(v) => s.serialize_bytes(v),
            V::None => s.serialize_none(),
            V::Some(v) => s.serialize_some(v),
            V::UnitStruct(name) => s.serialize_unit_struct(name),
            V::Newtype(name, v) => s.serialize_newtype_struct(name, v),
            V::UnitVariant(name, index, variant) => s.serialize_unit_variant(name, *index, variant),
            V::NewtypeVariant(name, index, variant, v) => {
                s.serialize_newtype_variant(name, *index, variant, v)
            }
            V::Seq(items) => serialize_items(s, items),
            V::Set(items) => s.collect_seq(&items.iter().map(Element).collect::<BinaryHeap<_>>()),
            V::Tuple(items) => {
                let mut out = s.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| out.serialize_element(item))?;
                out.end()
            }
            V::TupleStruct(name, items) => {
                let mut out = s.serialize_tuple_struct(name, items.len())?;
                items.iter().try_for_each(|item| out.serialize_field(item))?;
                out.end()
            }
            V::TupleVariant(name, index, variant, items) => {
                let mut out = s.serialize_tuple_variant(name, *index, variant, items.len())?;
                items.iter().try_for_each(|item| out.serialize_field(item))?;
                out.end()
            }
            V::Map(entries) => serialize_entries(s, None, entries),
            V::Entries(entries) => serialize_entries(s, Some(entries.len()), entries),
            V::Struct(name, fields) => {
                let mut out = s.serialize_struct(name, fields.len())?;
                fields.iter().try_for_each(|(name, value)| out.serialize_field(name, value))?;
                out.end()
            }
            V::StructVariant(name, index, variant, fields) => {
                let mut out = s.serialize_struct_variant(name, *index, variant, fields.len())?;
                fields.iter().try_for_each(|(name, value)| out.serialize_field(name, value))?;
                out.end()
            }
        }
    }
}

// Functions of their own, because the frame of `serialize` holds the locals of all its arms at each level.

fn serialize_items<S: Serializer>(s: S, items: &[Value]) -> Result<S::Ok, S::Error> {
    let mut out = s.serialize_seq(None)?;
    items.iter().try_for_each(|item| out.serialize_element(item))?;
    out.end()
}

fn serialize_entries<S: Serializer>(
    s: S,
    len: Option<usize>,
    entries: &[(Value, Value)],
) -> Result<S::Ok, S::Error> {
    let mut out = s.serialize_map(len)?;
    entries.iter().try_for_each(|(key, value)| out.serialize_entry(key, value))?;
    out.end()
}

/// An element of a heap. All elements compare as equal, so the heap keeps their order.
struct Element<'a>(&'a Value);

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Element<'_> {}

impl PartialOrd for Element<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Element<'_> {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

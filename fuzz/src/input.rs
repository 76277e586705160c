//! Builds values from a fuzzer's bytes. Every byte affects the value, so a small change of the bytes makes a small
//! change of the value.

use crate::model::Value::{self, self as V};

/// The unread rest of a fuzzer's bytes. A read of a fixed number of bytes is filled up with zeros at the end.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

const NAMES: [&str; 8] = ["", "a", "b", "ab", "a\0", "\u{fe}", "Option", LONG];
const LONG: &str = concat!(
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
);

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let (taken, rest) = self.0.split_at(self.0.len().min(N));
        array[..taken.len()].copy_from_slice(taken);
        self.0 = rest;
        array
    }

    pub(crate) fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.array())
    }

    pub(crate) fn word(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn name(&mut self) -> &'static str {
        NAMES[usize::from(self.byte()) % NAMES.len()]
    }

    fn bytes(&mut self) -> Vec<u8> {
        let wanted = usize::from(self.byte());
        // Some are too long for a length of one byte.
        let wanted = if wanted > 0xf0 { wanted * 3 } else { wanted % 32 };
        let (taken, rest) = self.0.split_at(self.0.len().min(wanted));
        self.0 = rest;
        taken.to_vec()
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    fn char(&mut self) -> char {
        let code = u32::from_le_bytes(self.array());
        char::from_u32(code % 0x11_0000).unwrap_or('\u{fffd}')
    }

    fn boxed(&mut self, depth: u32) -> Box<Value> {
        Box::new(self.value(depth - 1))
    }

    fn many(&mut self, depth: u32) -> Vec<Value> {
        let count = self.byte() % 5;
        (0..count).map(|_| self.value(depth - 1)).collect()
    }

    fn entries(&mut self, depth: u32) -> Vec<(Value, Value)> {
        let count = self.byte() % 4;
        (0..count).map(|_| (self.value(depth - 1), self.value(depth - 1))).collect()
    }

    /// Returns fields with distinct names.
    fn fields(&mut self, depth: u32) -> Vec<(&'static str, Value)> {
        let mut fields: Vec<(&'static str, Value)> = Vec::new();
        for _ in 0..self.byte() % 5 {
            let (name, value) = (self.name(), self.value(depth - 1));
            if fields.iter().all(|(taken, _)| *taken != name) {
                fields.push((name, value));
            }
        }
        fields
    }

    /// Returns a value that is nested at most `depth` levels deep.
    pub(crate) fn value(&mut self, depth: u32) -> Value {
        let kinds = if depth == 0 { 19 } else { 32 };
        match self.byte() % kinds {
            0 => V::Unit,
            1 => V::Bool(self.byte() & 1 == 1),
            2 => V::U8(self.byte()),
            3 => V::U16(u16::from_le_bytes(self.array())),
            4 => V::U32(u32::from_le_bytes(self.array())),
            5 => V::U64(self.word()),
            6 => V::U128(u128::from_le_bytes(self.array())),
            7 => V::I8(i8::from_le_bytes(self.array())),
            8 => V::I16(i16::from_le_bytes(self.array())),
            9 => V::I32(i32::from_le_bytes(self.array())),
            10 => V::I64(i64::from_le_bytes(self.array())),
            11 => V::I128(i128::from_le_bytes(self.array())),
            12 => V::F32(u32::from_le_bytes(self.array())),
            13 => V::F64(self.word()),
            14 => V::Char(self.char()),
            15 => V::Str(self.text()),
            16 => V::Bytes(self.bytes()),
            17 => V::None,
            18 => V::UnitStruct(self.name()),
            19 => V::Some(self.boxed(depth)),
            20 => V::Newtype(self.name(), self.boxed(depth)),
            21 => V::Seq(self.many(depth)),
            22 => V::Set(self.many(depth)),
            23 => V::Tuple(self.many(depth)),
            24 => V::TupleStruct(self.name(), self.many(depth)),
            25 => V::Map(self.entries(depth)).with_different_keys(),
            26 => V::Struct(self.name(), self.fields(depth)),
            27 => V::UnitVariant(self.name(), self.byte().into(), self.name()),
            28 => {
                V::NewtypeVariant(self.name(), self.byte().into(), self.name(), self.boxed(depth))
            }
            30 => V::Entries(self.entries(depth)),
            29 => V::TupleVariant(self.name(), self.byte().into(), self.name(), self.many(depth)),
            _ => V::StructVariant(self.name(), self.byte().into(), self.name(), self.fields(depth)),
        }
    }
}

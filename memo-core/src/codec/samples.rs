//! Sample values for a visitor, which may validate them. The most widely accepted samples come first.

use serde_core::de::Visitor;

use super::shape::Leaf;

const NUMBERS: [u8; 5] = [1, 0, 2, 10, 100];

const CHARS: [char; 4] = ['a', 'A', '0', ' '];

const TEXTS: [&str; 16] = [
    "",
    "a",
    "1",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "127.0.0.1",
    "127.0.0.1:1",
    "::1",
    "[::1]:1",
    "00000000-0000-0000-0000-000000000000",
    "http://a/",
    "a@a.aa",
    "1.0.0",
    "1s",
];

const ZEROS: [u8; 64] = [0; 64];

const BYTE_LENGTHS: [usize; 8] = [0, 1, 4, 8, 12, 16, 32, 64];

/// The lengths to try for a sequence whose element is known.
pub(super) const SEQ_LENGTHS: [usize; 7] = [0, 1, 2, 3, 4, 16, 32];

/// Returns the number of samples for a leaf.
pub(super) fn count(leaf: Leaf) -> usize {
    match leaf {
        Leaf::Bool => 2,
        Leaf::I8
        | Leaf::I16
        | Leaf::I32
        | Leaf::I64
        | Leaf::I128
        | Leaf::U8
        | Leaf::U16
        | Leaf::U32
        | Leaf::U64
        | Leaf::U128
        | Leaf::F32
        | Leaf::F64 => NUMBERS.len(),
        Leaf::Char => CHARS.len(),
        Leaf::Str => TEXTS.len(),
        Leaf::Bytes => BYTE_LENGTHS.len(),
    }
}

/// Passes one sample to the visitor, through the method that postcard would call.
pub(super) fn offer<V, E>(leaf: Leaf, choice: usize, visitor: V) -> Result<V::Value, E>
where
    V: Visitor<'static>,
    E: serde_core::de::Error,
{
    let number = NUMBERS[choice % NUMBERS.len()];
    match leaf {
        Leaf::Bool => visitor.visit_bool(choice != 0),
        Leaf::I8 => visitor.visit_i8(number as i8),
        Leaf::I16 => visitor.visit_i16(number.into()),
        Leaf::I32 => visitor.visit_i32(number.into()),
        Leaf::I64 => visitor.visit_i64(number.into()),
        Leaf::I128 => visitor.visit_i128(number.into()),
        Leaf::U8 => visitor.visit_u8(number),
        Leaf::U16 => visitor.visit_u16(number.into()),
        Leaf::U32 => visitor.visit_u32(number.into()),
        Leaf::U64 => visitor.visit_u64(number.into()),
        Leaf::U128 => visitor.visit_u128(number.into()),
        Leaf::F32 => visitor.visit_f32(number.into()),
        Leaf::F64 => visitor.visit_f64(number.into()),
        Leaf::Char => visitor.visit_char(CHARS[choice]),
        Leaf::Str => visitor.visit_borrowed_str(TEXTS[choice]),
        Leaf::Bytes => visitor.visit_borrowed_bytes(&ZEROS[..BYTE_LENGTHS[choice]]),
    }
}

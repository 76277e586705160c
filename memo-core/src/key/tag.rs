//! The tag that starts each value of the encoding, and the form of lengths. docs/format.md is the specification.

/// The version of the key encoding. It is part of the identification of a directory on disk.
pub(crate) const FORMAT: u32 = 3;

/// The maximum nesting of a value with a key. It bounds the stack that encoding and printing need.
pub(crate) const MAX_DEPTH: u32 = 256;

/// The maximum length of a key that is kept itself, in bytes. The key of longer arguments is a digest.
pub(crate) const MAX_LENGTH: usize = 64 << 10;

macro_rules! tags {
    ($($name:ident = $value:literal,)*) => {
        $(pub(crate) const $name: u8 = $value;)*
    };
}

tags! {
    UNIT = 0x01,
    FALSE = 0x02,
    TRUE = 0x03,
    U8 = 0x04,
    U16 = 0x05,
    U32 = 0x06,
    U64 = 0x07,
    U128 = 0x08,
    I8 = 0x09,
    I16 = 0x0a,
    I32 = 0x0b,
    I64 = 0x0c,
    I128 = 0x0d,
    F32 = 0x0e,
    F64 = 0x0f,
    CHAR = 0x10,
    STR = 0x11,
    BYTES = 0x12,
    OCTETS = 0x13,
    NONE = 0x14,
    SOME = 0x15,
    SEQ = 0x16,
    SET = 0x17,
    MAP = 0x18,
    UNIT_STRUCT = 0x19,
    NEWTYPE_STRUCT = 0x1a,
    TUPLE_STRUCT = 0x1b,
    STRUCT = 0x1c,
    UNIT_VARIANT = 0x1d,
    NEWTYPE_VARIANT = 0x1e,
    TUPLE_VARIANT = 0x1f,
    STRUCT_VARIANT = 0x20,
    ENTRIES = 0x21,
    DIGEST = 0x22,
    END = 0xfe,
}

/// Marks a length that one byte cannot express. The length follows in four bytes. A length byte is never [`END`], so
/// that the end of a struct cannot be read as the name of a field.
pub(crate) const LONG: u8 = 0xff;

/// Returns the length as one byte, if it fits.
#[inline]
pub(crate) fn short(len: usize) -> Option<u8> {
    u8::try_from(len).ok().filter(|&n| n < END)
}

/// Why a value has no key, or a comparison ended early. One byte, so that `Result<(), NoKey>` stays in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The comparer found a difference.
    Differs,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Longer than the writer may write: [`MAX_LENGTH`], or for one string what four bytes can count.
    TooLong,
    /// Short, after it was too long in an earlier pass.
    Changed,
    /// Two fields of a struct, or two entries of a map without order, have the same name.
    DuplicateName,
    /// The value's own `Serialize` failed.
    Refused,
}

impl std::fmt::Display for NoKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Differs => "differs from the stored key",
            Self::TooDeep => "nested deeper than 256",
            Self::TooLong => "a string of 4 GiB or more",
            Self::Changed => "an argument changed while it was encoded",
            Self::DuplicateName => "a struct has two fields with the same name",
            Self::Refused => "an argument failed to serialize",
        })
    }
}

impl std::error::Error for NoKey {}

impl serde_core::ser::Error for NoKey {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self::Refused
    }
}

//! Printing of a key as the argument tree that it encodes. The functions are `#[inline]`, so that only a crate that
//! prints a key compiles them.

use std::fmt::{self, Formatter, Write as _};

use super::digest::Digest;
use super::read::Cursor;
use super::tag;

/// Writes `("ACME", { depth: 3, side: Buy })` for the key of two such arguments, and `?` where the bytes are not an
/// encoding. Writes `(digest 0x9f86... of 70000 bytes)` for a digest.
#[inline]
pub(crate) fn print(bytes: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    if let Some(Digest { hash, len }) = Digest::of(bytes) {
        f.write_str("(digest ")?;
        self::bytes(hash, f)?;
        return write!(f, " of {len} bytes)");
    }
    let mut cursor = Cursor::new(bytes);
    let mut count = 0;
    f.write_char('(')?;
    while !cursor.rest.is_empty() {
        if count > 0 {
            f.write_str(", ")?;
        }
        count += 1;
        if value(&mut cursor, f)?.is_none() {
            f.write_char('?')?;
            break;
        }
    }
    f.write_str(if count == 1 { ",)" } else { ")" })
}

/// Writes one value, and `?` where the bytes are not one.
#[inline]
pub(crate) fn print_value(bytes: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    value(&mut Cursor::new(bytes), f)?.map_or_else(|| f.write_char('?'), Ok)
}

/// `Ok(None)` means that the bytes are not an encoding.
type Printed = Result<Option<()>, fmt::Error>;

/// Unwraps an option. On `None` it returns `Ok(None)` from the enclosing function.
macro_rules! take {
    ($option:expr) => {
        match $option {
            Some(taken) => taken,
            None => return Ok(None),
        }
    };
}

#[inline]
fn value(cursor: &mut Cursor<'_>, f: &mut Formatter<'_>) -> Printed {
    let tag = take!(cursor.tag());
    match tag {
        tag::UNIT => f.write_str("()")?,
        tag::FALSE => f.write_str("false")?,
        tag::TRUE => f.write_str("true")?,
        tag::NONE => f.write_str("None")?,
        tag::STR => write!(f, "{:?}", take!(cursor.text()))?,
        tag::BYTES | tag::OCTETS => bytes(take!(cursor.sized()), f)?,
        tag::CHAR => match char::from_u32(u32::from_le_bytes(take!(cursor.array()))) {
            Some(c) => write!(f, "{c:?}")?,
            None => return Ok(None),
        },
        tag::U8..=tag::I128 => take!(integer(tag, cursor, f)?),
        tag::F32 => write!(f, "{:?}", f32::from_le_bytes(take!(cursor.array())))?,
        tag::F64 => write!(f, "{:?}", f64::from_le_bytes(take!(cursor.array())))?,
        tag::SOME => {
            f.write_str("Some(")?;
            take!(deeper(cursor, |cursor| value(cursor, f))?);
            f.write_char(')')?;
        }
        tag::SEQ => take!(deeper(cursor, |cursor| items(cursor, f, ["[", "]"], false))?),
        tag::SET => take!(deeper(cursor, |cursor| items(cursor, f, ["{", "}"], false))?),
        tag::MAP | tag::ENTRIES => {
            take!(deeper(cursor, |cursor| items(cursor, f, ["{", "}"], true))?);
        }
        _ => take!(named(tag, cursor, f)?),
    }
    Ok(Some(()))
}

#[inline]
fn deeper<'a>(cursor: &mut Cursor<'a>, f: impl FnOnce(&mut Cursor<'a>) -> Printed) -> Printed {
    let mut inner = take!(cursor.deeper());
    take!(f(&mut inner)?);
    cursor.rest = inner.rest;
    Ok(Some(()))
}

/// Prints an integer. Its tag tells the width and whether it is signed.
#[inline]
fn integer(tag: u8, cursor: &mut Cursor<'_>, f: &mut Formatter<'_>) -> Printed {
    let signed = tag >= tag::I8;
    let width = 1 << (tag - if signed { tag::I8 } else { tag::U8 });
    let (written, rest) = take!(cursor.rest.split_at_checked(width));
    cursor.rest = rest;
    let negative = signed && written[width - 1] > 0x7f;
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    wide[..width].copy_from_slice(written);
    match signed {
        true => write!(f, "{}", i128::from_le_bytes(wide))?,
        false => write!(f, "{}", u128::from_le_bytes(wide))?,
    }
    Ok(Some(()))
}

/// Prints bytes as hexadecimal digits: the first ones, and the number of the others.
#[inline]
fn bytes(bytes: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    const SHOWN: usize = 32;
    f.write_str("0x")?;
    for byte in bytes.iter().take(SHOWN) {
        write!(f, "{byte:02x}")?;
    }
    match bytes.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, "..(+{more} bytes)"),
    }
}

/// Prints a struct or variant. The name of a struct with named fields is left out, because the fields say enough.
#[inline]
fn named(tag: u8, cursor: &mut Cursor<'_>, f: &mut Formatter<'_>) -> Printed {
    if matches!(tag, tag::UNIT_VARIANT..=tag::STRUCT_VARIANT) {
        take!(cursor.array::<4>());
        take!(cursor.text());
        f.write_str(take!(cursor.text()))?;
    } else {
        let name = take!(cursor.text());
        if tag != tag::STRUCT {
            f.write_str(name)?;
        }
    }
    match tag {
        tag::UNIT_STRUCT | tag::UNIT_VARIANT => {}
        tag::NEWTYPE_STRUCT | tag::NEWTYPE_VARIANT => {
            f.write_char('(')?;
            take!(deeper(cursor, |cursor| value(cursor, f))?);
            f.write_char(')')?;
        }
        tag::TUPLE_STRUCT | tag::TUPLE_VARIANT => {
            take!(deeper(cursor, |cursor| items(cursor, f, ["(", ")"], false))?);
        }
        tag::STRUCT | tag::STRUCT_VARIANT => {
            f.write_str(if tag == tag::STRUCT { "{" } else { " {" })?;
            take!(deeper(cursor, |cursor| fields(cursor, f))?);
            f.write_char('}')?;
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

#[inline]
fn items(
    cursor: &mut Cursor<'_>,
    f: &mut Formatter<'_>,
    [open, close]: [&str; 2],
    map: bool,
) -> Printed {
    f.write_str(open)?;
    let mut separator = "";
    while !cursor.at_end() {
        f.write_str(std::mem::replace(&mut separator, ", "))?;
        take!(value(cursor, f)?);
        if map {
            f.write_str(": ")?;
            take!(value(cursor, f)?);
        }
    }
    f.write_str(close)?;
    Ok(Some(()))
}

#[inline]
fn fields(cursor: &mut Cursor<'_>, f: &mut Formatter<'_>) -> Printed {
    let mut separator = " ";
    while !cursor.at_end() {
        f.write_str(std::mem::replace(&mut separator, ", "))?;
        f.write_str(take!(cursor.text()))?;
        f.write_str(": ")?;
        take!(value(cursor, f)?);
    }
    if separator == ", " {
        f.write_char(' ')?;
    }
    Ok(Some(()))
}

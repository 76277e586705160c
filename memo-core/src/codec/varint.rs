//! The numbers of postcard's format: seven bits a byte, the lowest first; all bytes but the last have the highest bit.
//! Signed numbers are in zigzag: 0, -1, 1, -2, ...

use super::malformed::Malformed;
use super::sink::{Refused, Sink};
use super::source::Source;

const MORE: u8 = 0x80;

/// The most bytes of a number of 128 bits.
const MAX_LEN: usize = 19;

#[inline]
pub(super) fn write(out: &mut Sink<'_>, value: u64) -> Result<(), Refused> {
    // Most numbers and lengths have one byte.
    match u8::try_from(value) {
        Ok(byte) if byte < MORE => out.push(byte),
        _ => write_wide(out, value.into()),
    }
}

pub(super) fn write_wide(out: &mut Sink<'_>, value: u128) -> Result<(), Refused> {
    let (mut bytes, mut len, mut left) = ([0; MAX_LEN], 0, value);
    loop {
        bytes[len] = left.to_le_bytes()[0] & !MORE;
        left >>= 7;
        if left == 0 {
            return out.extend(&bytes[..=len]);
        }
        bytes[len] |= MORE;
        len += 1;
    }
}

/// Reads a number of `BITS` bits. That of a `u64` is read faster than a wider one.
macro_rules! read {
    ($name:ident $type:ty) => {
        #[inline]
        pub(super) fn $name<'de, const BITS: u32>(
            source: &mut impl Source<'de>,
        ) -> Result<$type, Malformed> {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = source.byte()?;
                // The last byte has only the bits that are left, and none may follow.
                if shift + 7 > BITS && byte >> (BITS - shift) != 0 {
                    return Err(Malformed("a number is too long"));
                }
                value |= <$type>::from(byte & !MORE) << shift;
                if byte & MORE == 0 {
                    return Ok(value);
                }
                shift += 7;
            }
        }
    };
}

read!(read u64);
read!(read_wide u128);

/// Reads a length.
#[inline]
pub(super) fn read_len<'de>(source: &mut impl Source<'de>) -> Result<usize, Malformed> {
    let len = read::<{ usize::BITS }>(source)?;
    usize::try_from(len).map_err(|_| Malformed("a number is too long"))
}

#[inline]
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(super) fn zigzag_wide(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

pub(super) fn unzigzag_wide(value: u128) -> i128 {
    (value >> 1) as i128 ^ -((value & 1) as i128)
}

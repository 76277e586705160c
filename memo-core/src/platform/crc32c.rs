//! CRC-32C, as defined in RFC 3720. It uses the instruction of the processor if there is one, and tables otherwise.
#![allow(unsafe_code)]

/// Returns the checksum of `bytes`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc32c_append(0, bytes)
}

/// Returns the checksum of some data followed by `bytes`, where `crc` is the checksum of that data.
pub(crate) fn crc32c_append(crc: u32, bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("sse4.2") {
        // SAFETY: the processor has the instruction.
        return unsafe { by_instruction(crc, bytes) };
    }
    by_tables(crc, bytes)
}

/// # Safety
/// The processor must have the instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
#[allow(unused_unsafe, reason = "before Rust 1.87 the instructions are unsafe even here")]
unsafe fn by_instruction(crc: u32, mut bytes: &[u8]) -> u32 {
    use std::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u64};
    let mut crc = u64::from(!crc);
    // Loops and no iterators: in some Rust versions a closure does not have the target feature.
    while let Some((word, rest)) = bytes.split_first_chunk() {
        // SAFETY: the caller guarantees that the processor has the instruction.
        crc = unsafe { _mm_crc32_u64(crc, u64::from_le_bytes(*word)) };
        bytes = rest;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the instruction leaves the upper half empty"
    )]
    let mut crc = crc as u32;
    for byte in bytes {
        // SAFETY: see above.
        crc = unsafe { _mm_crc32_u8(crc, *byte) };
    }
    !crc
}

/// `TABLES[n][byte]` is the contribution of `byte` to the checksum when `n` more bytes follow it, for `n` up to 7.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    const REVERSED: u32 = 0x82f6_3b78;
    let mut tables = [[0_u32; 256]; 8];
    let mut index = 0_u32;
    while index < 8 * 256 {
        let (following, byte) = ((index / 256) as usize, (index % 256) as usize);
        let mut crc = if following == 0 { index } else { tables[following - 1][byte] };
        let mut bit = 0;
        while bit < 8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { REVERSED } else { 0 };
            bit += 1;
        }
        tables[following][byte] = crc;
        index += 1;
    }
    tables
}

fn by_tables(crc: u32, mut bytes: &[u8]) -> u32 {
    let mut crc = !crc;
    while let Some((word, rest)) = bytes.split_first_chunk() {
        let word = (u64::from_le_bytes(*word) ^ u64::from(crc)).to_le_bytes();
        let parts = word.iter().zip(TABLES.iter().rev());
        crc = parts.fold(0, |crc, (byte, table)| crc ^ table[usize::from(*byte)]);
        bytes = rest;
    }
    let step = |crc: u32, byte: &u8| crc >> 8 ^ TABLES[0][usize::from(crc.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(crc, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3720, B.4, and the check value of CRC catalogues.
    #[test]
    fn known_checksums_are_reproduced() {
        let rising: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().collect();
        let known: [(&[u8], u32); 6] = [
            (&[], 0),
            (b"123456789", 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&rising, 0x46dd_794e),
            (&falling, 0x113f_db5c),
        ];
        for (bytes, crc) in known {
            assert_eq!((crc32c(bytes), by_tables(0, bytes)), (crc, crc), "{bytes:?}");
        }
    }

    #[test]
    fn all_implementations_agree_on_every_length_and_split() {
        let bytes: Vec<u8> = (0..200_u32).map(|n| n.wrapping_mul(167).to_le_bytes()[0]).collect();
        for len in 0..bytes.len() {
            let (whole, split) = (&bytes[..len], len / 3);
            let crc = crc32c(whole);
            assert_eq!(by_tables(0, whole), crc);
            assert_eq!(crc32c_append(crc32c(&whole[..split]), &whole[split..]), crc);
            assert_eq!(by_tables(by_tables(0, &whole[..split]), &whole[split..]), crc);
            assert_eq!(::crc32c::crc32c(whole), crc);
        }
    }
}

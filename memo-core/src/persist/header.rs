//! What a file says first: what it is, whose, and where in history it stands.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;

use crate::platform::crc32c::crc32c;

use super::frame::{Seed, u32_at, u64_at, u128_at};
use super::fs::{File, read_start};
use super::identity::Identity;
use super::loss::Loss;
use super::record::WallMillis;

/// The first bytes of a file of ours. Like those of PNG they break when treated as text.
pub(crate) const MAGIC: [u8; 8] = *b"\x89memo\r\n\x1a";
/// What this version writes, and the newest that it reads.
const FORMAT: u16 = 1;
/// Bytes before the function's name.
const FIXED: usize = 124;
/// No header is longer, so that a damaged length costs no memory.
pub(crate) const MAX_HEADER: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Log = 1,
    Snapshot = 2,
}

/// How much of the log before counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Predecessor {
    /// 0: there is none.
    pub(crate) generation: u64,
    /// So many of its bytes cannot have been lost in a crash: they were synced.
    pub(crate) durable_len: u64,
    /// [`Self::WHOLE`]: all that is valid.
    pub(crate) valid_len: u64,
}

impl Predecessor {
    pub(crate) const WHOLE: u64 = u64::MAX;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) kind: Kind,
    pub(crate) identity: Identity,
    pub(crate) salt: u64,
    pub(crate) generation: u64,
    /// The last sequence, and the invalidations so far, when this generation's log began. Exact in a snapshot and in a
    /// log that an opening began; a lower bound in a log that a checkpoint began.
    pub(crate) base_sequence: u64,
    pub(crate) base_removals: u16,
    pub(crate) predecessor: Predecessor,
    pub(crate) high_water: WallMillis,
    pub(crate) written: WallMillis,
}

/// What the start of a file shows.
pub(crate) enum Start {
    Ours {
        header: Box<FileHeader>,
        len: u64,
    },
    /// Nothing was written, or less than a header.
    Blank,
    /// Another magic.
    Alien,
    Damaged,
    /// Written by a later version, for readers from `least` on.
    Newer {
        format: u16,
        least: u16,
    },
}

impl FileHeader {
    pub(crate) fn seed(&self) -> Seed {
        Seed::of(self.salt)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let name = self.identity.function.as_bytes();
        let total = header_len(&self.identity);
        let short = |n: usize| u32::try_from(n).expect("a header within MAX_HEADER").to_le_bytes();
        let mut out = Vec::with_capacity(total);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&short(total));
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(&[self.kind as u8, 0]);
        out.extend_from_slice(&self.base_removals.to_le_bytes());
        out.extend_from_slice(&self.identity.key_format.to_le_bytes());
        out.extend_from_slice(&self.identity.schema.to_le_bytes());
        out.extend_from_slice(&self.identity.code.to_le_bytes());
        for number in [
            self.generation,
            self.base_sequence,
            self.predecessor.generation,
            self.predecessor.durable_len,
            self.predecessor.valid_len,
            self.high_water,
            self.written,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&short(name.len()));
        out.extend_from_slice(name);
        let crc = crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Why a file under this header is not one of `mine`, if it is not.
    pub(crate) fn misfit(&self, mine: &Identity) -> Option<Loss> {
        let Identity { function, key_format, schema, code } = mine;
        if self.identity.function != *function {
            Some(Loss::OtherFunction)
        } else if self.identity.key_format != *key_format {
            Some(Loss::OtherKeyFormat)
        } else if self.identity.schema != *schema {
            Some(Loss::OtherSchema)
        } else if self.identity.code != *code {
            Some(Loss::OtherCode)
        } else {
            None
        }
    }
}

/// The length of a header that names `identity`.
pub(crate) fn header_len(identity: &Identity) -> usize {
    FIXED + identity.function.len() + 4
}

/// Reads the start of `file`; `mine` tells how long a header that was cut short would have been.
pub(crate) fn read(file: &dyn File, mine: &Identity) -> io::Result<Start> {
    let bytes = read_start(file, MAX_HEADER)?;
    let cut = bytes.len() < header_len(mine);
    if bytes.iter().take(FIXED).all(|b| *b == 0) || (cut && MAGIC.starts_with(&bytes)) {
        return Ok(Start::Blank);
    }
    if !bytes.starts_with(&MAGIC) {
        return Ok(Start::Alien);
    }
    let unreadable = if cut { Start::Blank } else { Start::Damaged };
    if bytes.len() < 16 {
        return Ok(unreadable);
    }
    let len = u32_at(&bytes, 12) as usize;
    if len < 20 || bytes.len() < len || crc32c(&bytes[..len - 4]) != u32_at(&bytes, len - 4) {
        return Ok(unreadable);
    }
    let (format, least) = (u16_at(&bytes, 8), u16_at(&bytes, 10));
    if least > FORMAT {
        return Ok(Start::Newer { format, least });
    }
    Ok(parse(&bytes[..len])
        .map_or(Start::Damaged, |header| Start::Ours { header: Box::new(header), len: len as u64 }))
}

/// The fields of a header whose checksum holds.
fn parse(bytes: &[u8]) -> Option<FileHeader> {
    if bytes.len() < FIXED + 4 {
        return None;
    }
    let kind = match bytes[24] {
        1 => Kind::Log,
        2 => Kind::Snapshot,
        _ => return None,
    };
    let end = FIXED.checked_add(u32_at(bytes, 120) as usize)?;
    let name = bytes[..bytes.len() - 4].get(FIXED..end)?;
    Some(FileHeader {
        kind,
        identity: Identity {
            function: String::from_utf8(name.to_vec()).ok()?,
            key_format: u32_at(bytes, 28),
            schema: u128_at(bytes, 32),
            code: u128_at(bytes, 48),
        },
        salt: u64_at(bytes, 16),
        generation: u64_at(bytes, 64),
        base_sequence: u64_at(bytes, 72),
        base_removals: u16_at(bytes, 26),
        predecessor: Predecessor {
            generation: u64_at(bytes, 80),
            durable_len: u64_at(bytes, 88),
            valid_len: u64_at(bytes, 96),
        },
        high_water: u64_at(bytes, 104),
        written: u64_at(bytes, 112),
    })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// A salt that nobody who supplies keys and values can foresee.
pub(crate) fn random_salt() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Fs, MemFs};
    use super::*;

    /// Made by another program from the tables in docs/format.md.
    const GOLDEN: &str = concat!(
        "896d656d6f0d0a1a0100010086000000887766554433221102000700010000000200000000000000",
        "00000000000000000000000000000000030000000000000004000000000000000500000000000000",
        "03000000000000000600000000000000ffffffffffffffff08000000000000000900000000000000",
        "060000006170703a3a66acea21a0",
    );

    fn golden() -> FileHeader {
        FileHeader {
            kind: Kind::Snapshot,
            identity: Identity {
                function: "app::f".to_owned(),
                key_format: 1,
                schema: 2,
                code: 3 << 64,
            },
            salt: 0x1122_3344_5566_7788,
            generation: 4,
            base_sequence: 5,
            base_removals: 7,
            predecessor: Predecessor {
                generation: 3,
                durable_len: 6,
                valid_len: Predecessor::WHOLE,
            },
            high_water: 8,
            written: 9,
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let hex: String = golden().to_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
    }

    #[test]
    fn a_header_survives_a_round_trip() {
        let fs = Arc::new(MemFs::new());
        let path = std::path::Path::new("/h");
        fs.put(path, golden().to_bytes());
        match read(&*fs.open(path).unwrap(), &golden().identity).unwrap() {
            Start::Ours { header, len } => {
                assert_eq!((*header, len), (golden(), golden().to_bytes().len() as u64));
            }
            _ => panic!("not recognised"),
        }
    }
}

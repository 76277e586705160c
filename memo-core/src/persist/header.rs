//! The header of a file: its kind, whose results it holds, and its position in the history of the directory.

use std::io;

use crate::platform::crc32c::crc32c;

use super::frame::{ChecksumSeed, u32_at, u64_at, u128_at};
use super::fs::{File, read_start};
use super::identity::Identity;
use super::record::WallMillis;

/// The first bytes of a log or a snapshot. Like those of PNG, they change if a program treats the file as text.
pub(crate) const MAGIC: [u8; 8] = *b"\x89memo\r\n\x1a";
/// The format that this version writes, and the only one that it reads. Folders of older formats have other names.
pub(crate) const FORMAT: u16 = 4;
/// The length in bytes of the part before the function's name.
const NAME_OFFSET: usize = 104;
/// The length in bytes of what a header states about one other log.
pub(crate) const STATED: usize = 24;
/// A header states something about at most this many logs.
pub(crate) const MAX_STATED: usize = 512;
/// The length in bytes of the longest header. It bounds the memory that a damaged length can cost.
pub(crate) const MAX_HEADER: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Log = 1,
    Snapshot = 2,
}

/// What a header states about another log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stated {
    /// The number of that log.
    pub(crate) log: u64,
    /// In a snapshot: the records before this offset are in the snapshot, as far as they count. In a log: the bytes
    /// before this offset were synced, so that a crash cannot have taken them.
    pub(crate) len: u64,
    /// The number of removals before that offset, modulo 2^16.
    pub(crate) removals: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) kind: Kind,
    pub(crate) identity: Identity,
    /// Random for each file. It makes the checksums of heads valid only in this file.
    pub(crate) salt: u64,
    /// The number in the file's name.
    pub(crate) number: u64,
    /// In a log: the highest sequence that was known when it was begun. In a snapshot: the horizon. Records in logs
    /// that the snapshot does not contain count only if they are newer.
    pub(crate) base_sequence: u64,
    /// What is known about other logs, by rising numbers.
    pub(crate) logs: Vec<Stated>,
    /// The latest wall time that the store knew when the file was written.
    pub(crate) high_water: WallMillis,
    /// When the file was written.
    pub(crate) written: WallMillis,
}

/// The result of reading the start of a file.
pub(crate) enum Start {
    /// A valid header.
    Ours {
        header: Box<FileHeader>,
        /// The length of the header in bytes.
        len: u64,
    },
    /// The header is not valid. No crash explains that: a file gets its name when the header is on disk.
    Damaged,
    /// A later version wrote the file. A reader must know at least the format `min_reader`.
    Newer { format: u16, min_reader: u16 },
}

impl FileHeader {
    pub(crate) fn seed(&self) -> ChecksumSeed {
        ChecksumSeed::of(self.salt)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let name = self.identity.function.as_bytes();
        let total = header_len(&self.identity) + self.logs.len() * STATED;
        let u32_bytes = |n: usize| {
            u32::try_from(n).expect("a header is at most MAX_HEADER bytes").to_le_bytes()
        };
        let mut out = Vec::with_capacity(total);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&u32_bytes(total));
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(&[self.kind as u8, 0, 0, 0]);
        out.extend_from_slice(&self.identity.key_format.to_le_bytes());
        out.extend_from_slice(&self.identity.schema.to_le_bytes());
        out.extend_from_slice(&self.identity.code.to_le_bytes());
        for number in [self.number, self.base_sequence, self.high_water, self.written] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&u32_bytes(self.logs.len()));
        out.extend_from_slice(&u32_bytes(name.len()));
        out.extend_from_slice(name);
        for stated in &self.logs {
            out.extend_from_slice(&stated.log.to_le_bytes());
            out.extend_from_slice(&stated.len.to_le_bytes());
            out.extend_from_slice(&u64::from(stated.removals).to_le_bytes());
        }
        let crc = crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }
}

/// Returns the length in bytes of a header with that identity that states nothing about other logs.
pub(crate) fn header_len(identity: &Identity) -> usize {
    NAME_OFFSET + identity.function.len() + 4
}

/// Returns the format of a file whose header is valid.
pub(crate) fn format(file: &dyn File) -> io::Result<u16> {
    let bytes = read_start(file, 10)?;
    bytes.get(8..10).map_or(Ok(0), |bytes| Ok(u16_at(bytes, 0)))
}

/// Reads the start of `file`.
pub(crate) fn read(file: &dyn File) -> io::Result<Start> {
    let bytes = read_start(file, MAX_HEADER)?;
    if !bytes.starts_with(&MAGIC) || bytes.len() < 16 {
        return Ok(Start::Damaged);
    }
    let len = u32_at(&bytes, 12) as usize;
    if len < 20 || bytes.len() < len || crc32c(&bytes[..len - 4]) != u32_at(&bytes, len - 4) {
        return Ok(Start::Damaged);
    }
    let (format, min_reader) = (u16_at(&bytes, 8), u16_at(&bytes, 10));
    if min_reader > FORMAT {
        return Ok(Start::Newer { format, min_reader });
    }
    if format < FORMAT {
        return Ok(Start::Damaged);
    }
    Ok(parse(&bytes[..len])
        .map_or(Start::Damaged, |header| Start::Ours { header: Box::new(header), len: len as u64 }))
}

/// Parses a header whose checksum is valid.
fn parse(bytes: &[u8]) -> Option<FileHeader> {
    if bytes.len() < NAME_OFFSET + 4 {
        return None;
    }
    let kind = match bytes[24] {
        1 => Kind::Log,
        2 => Kind::Snapshot,
        _ => return None,
    };
    let end = NAME_OFFSET.checked_add(u32_at(bytes, 100) as usize)?;
    let name = bytes[..bytes.len() - 4].get(NAME_OFFSET..end)?;
    let all = bytes[end..bytes.len() - 4].chunks(STATED);
    if (bytes.len() - 4 - end) != u32_at(bytes, 96) as usize * STATED {
        return None;
    }
    let stated = |bytes: &[u8]| {
        let (log, len, removals) = (u64_at(bytes, 0), u64_at(bytes, 8), u16_at(bytes, 16));
        Stated { log, len, removals }
    };
    let logs = all.map(stated).collect();
    Some(FileHeader {
        kind,
        identity: Identity {
            function: String::from_utf8(name.to_vec()).ok()?,
            key_format: u32_at(bytes, 28),
            schema: u128_at(bytes, 32),
            code: u128_at(bytes, 48),
        },
        salt: u64_at(bytes, 16),
        number: u64_at(bytes, 64),
        base_sequence: u64_at(bytes, 72),
        high_water: u64_at(bytes, 80),
        written: u64_at(bytes, 88),
        logs,
    })
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Returns a random salt. An attacker who supplies keys and values cannot predict it, so these cannot contain
/// valid heads.
pub(crate) fn random_salt() -> u64 {
    // There the standard library has the same numbers in each page.
    #[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
    return crate::platform::script::random();
    #[cfg(not(all(feature = "opfs", target_family = "wasm", target_os = "unknown")))]
    {
        use std::hash::{BuildHasher, Hasher, RandomState};
        RandomState::new().build_hasher().finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Fs, MemFs};
    use super::*;

    /// Another program made these bytes from the tables in docs/format.md.
    const GOLDEN: &str = concat!(
        "896d656d6f0d0a1a040004008a000000887766554433221102000000010000000200000000000000",
        "00000000000000000000000000000000030000000000000004000000000000000500000000000000",
        "0800000000000000090000000000000001000000060000006170703a3a6603000000000000000600",
        "0000000000000700000000000000d0137664",
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
            number: 4,
            base_sequence: 5,
            logs: vec![Stated { log: 3, len: 6, removals: 7 }],
            high_water: 8,
            written: 9,
        }
    }

    #[test]
    fn the_bytes_are_as_docs_format_md_describes() {
        let hex: String = golden().to_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
    }

    #[test]
    fn a_header_is_read_back() {
        let fs = Arc::new(MemFs::new());
        let path = std::path::Path::new("/h");
        fs.put(path, golden().to_bytes());
        match read(&*fs.open(path).unwrap()).unwrap() {
            Start::Ours { header, len } => {
                assert_eq!((*header, len), (golden(), golden().to_bytes().len() as u64));
            }
            _ => panic!("the header is not recognized"),
        }
    }
    #[test]
    fn files_of_older_formats_are_not_read() {
        let (fs, path) = (MemFs::new(), std::path::Path::new("/h"));
        let mut bytes = golden().to_bytes();
        bytes[8] = 2;
        bytes[10] = 2;
        let end = bytes.len() - 4;
        let crc = crc32c(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
        fs.put(path, bytes);
        assert!(matches!(read(&*fs.open(path).unwrap()).unwrap(), Start::Damaged));
    }
}

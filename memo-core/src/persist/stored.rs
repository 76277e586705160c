//! A record that was read from a known position of a file.

use std::io;

use super::buffer::Buffer;
use super::frame::{ChecksumSeed, HEAD, Head, MAX_KEY, MAX_VALUE, Op};
use super::fs::{File, read_full};
use super::record::Record;
use crate::platform::crc32c::crc32c;

/// A valid put.
pub(crate) struct Stored {
    pub(crate) head: Head,
    /// The offset of the record in its file.
    pub(crate) at: u64,
    bytes: Buffer,
    /// Its value, once it was read from its own file.
    apart: Option<Vec<u8>>,
}

/// What is at a position.
pub(crate) enum Found {
    /// The put of the key.
    Stored(Stored),
    /// The put of another key, with the same hash.
    Other,
    /// Bytes that are no valid put.
    Damaged,
}

impl Stored {
    /// Reads the record at the offset `at`, of `len` bytes, which should be a put of `key`. `None`: of any key.
    pub(crate) fn read(
        file: &dyn File,
        seed: ChecksumSeed,
        at: u64,
        len: u32,
        key: Option<&[u8]>,
    ) -> io::Result<Found> {
        let len = len as usize;
        if len > HEAD + MAX_KEY + MAX_VALUE {
            return Ok(Found::Damaged);
        }
        let mut bytes = Buffer::new(len);
        if read_full(file, &mut bytes, at)? < len {
            return Ok(Found::Damaged);
        }
        let Some(head) = Head::parse(&bytes, seed).filter(|head| head.total() == len) else {
            return Ok(Found::Damaged);
        };
        let (stored_key, value) = bytes[HEAD..].split_at(head.key_len);
        if key.is_some_and(|key| key != stored_key) {
            let is_valid = crc32c(stored_key) == head.key_crc;
            return Ok(if is_valid { Found::Other } else { Found::Damaged });
        }
        let is_valid = head.op == Op::Put
            && crc32c(stored_key) == head.key_crc
            && crc32c(value) == head.value_crc;
        Ok(if is_valid {
            Found::Stored(Self { head, at, bytes, apart: None })
        } else {
            Found::Damaged
        })
    }

    /// Returns the length of the value in bytes.
    pub(crate) fn len(&self) -> usize {
        self.head.value_len
    }

    /// Returns the record, with its value if that was read.
    pub(crate) fn record(&self) -> Record<'_> {
        with_value(self.head.record(&self.bytes[HEAD..]), self.apart.as_deref())
    }

    /// Adds the value, which was read from its own file.
    pub(crate) fn with_value(self, value: Vec<u8>) -> Self {
        Self { apart: Some(value), ..self }
    }
}

/// Returns the record with the value that was read from its own file, if it was.
pub(crate) fn with_value<'a>(record: Record<'a>, apart: Option<&'a [u8]>) -> Record<'a> {
    match (record, apart) {
        (Record::Put { key, created, expires, cost, tags, .. }, Some(value)) => {
            Record::Put { key, value, apart: false, created, expires, cost, tags }
        }
        (record, _) => record,
    }
}

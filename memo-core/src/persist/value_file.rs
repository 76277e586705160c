//! A value that is kept apart: in a file of its own, which the record of the put mentions. So no merge copies it, and
//! it need not be in memory as a whole while it is written.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::platform::crc32c::crc32c;

use super::file_name::Name;
use super::fs::{File, Fs, read_full};
use super::header::{FORMAT, MAGIC};
use super::reference::Reference;

/// The length of the header of the file in bytes. The value follows.
const HEADER: u32 = 40;
/// Where the value begins.
pub(crate) const VALUE_AT: u64 = HEADER as u64;
/// What the header has where those of logs and snapshots have their kind.
const KIND: u8 = 3;
impl Reference {
    /// Returns the header of the file.
    pub(crate) fn header(&self) -> [u8; HEADER as usize] {
        let mut bytes = [0; HEADER as usize];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[10..12].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[12..16].copy_from_slice(&HEADER.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.salt.to_le_bytes());
        bytes[24] = KIND;
        bytes[28..36].copy_from_slice(&self.number.to_le_bytes());
        let crc = crc32c(&bytes[..36]);
        bytes[36..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Opens the file. `None` if there is none, or if it is another one.
    fn open(&self, fs: &dyn Fs, dir: &Path) -> io::Result<Option<Arc<dyn File>>> {
        let file = match fs.open(&Name::Value(self.number).at(dir)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut header = [0; HEADER as usize];
        let is_it = read_full(&*file, &mut header, 0)? == header.len() && header == self.header();
        Ok(is_it.then_some(file))
    }

    /// Returns whether the file is there, as long as it should be. Does not read the value.
    pub(crate) fn is_there(&self, fs: &dyn Fs, dir: &Path) -> io::Result<bool> {
        match self.open(fs, dir)? {
            Some(file) => Ok(file.size()? == VALUE_AT + self.len),
            None => Ok(false),
        }
    }

    /// Reads the value.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn read(&self, fs: &dyn Fs, dir: &Path) -> io::Result<Apart> {
        let Some(file) = self.open(fs, dir)? else { return Ok(Apart::Missing) };
        // Before memory is taken for it.
        if file.size()? != VALUE_AT + self.len {
            return Ok(Apart::Damaged);
        }
        let len = usize::try_from(self.len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut value = Vec::new();
        value.try_reserve_exact(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        value.resize(len, 0);
        let is_whole = read_full(&*file, &mut value, VALUE_AT)? == len;
        let is_valid = is_whole && crc32c(&value) == self.crc;
        Ok(if is_valid { Apart::Value(value) } else { Apart::Damaged })
    }
}

/// What the checksum of the file of a reference shows.
#[cfg(any(feature = "inspect", test))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    Whole,
    Missing,
    Damaged,
}

#[cfg(any(feature = "inspect", test))]
impl Reference {
    /// Reads the value piece by piece and checks it.
    ///
    /// # Errors
    /// The errors of the system.
    pub(crate) fn check(&self, fs: &dyn Fs, dir: &Path) -> io::Result<Checked> {
        let Some(file) = self.open(fs, dir)? else { return Ok(Checked::Missing) };
        if file.size()? != VALUE_AT + self.len {
            return Ok(Checked::Damaged);
        }
        let (mut bytes, mut at, mut crc) = (vec![0; 256 << 10], VALUE_AT, 0);
        loop {
            let filled = read_full(&*file, &mut bytes, at)?;
            if filled == 0 {
                break;
            }
            crc = crate::platform::crc32c::crc32c_append(crc, &bytes[..filled]);
            at += filled as u64;
        }
        let is_valid = at == VALUE_AT + self.len && crc == self.crc;
        Ok(if is_valid { Checked::Whole } else { Checked::Damaged })
    }
}

/// What the file of a reference holds.
pub(crate) enum Apart {
    Value(Vec<u8>),
    /// There is no such file. It may have been removed because the record does not count any more.
    Missing,
    Damaged,
}

/// Returns the numbers of the files of values in `dir`.
///
/// # Errors
/// The directory cannot be listed.
pub(crate) fn list_values(fs: &dyn Fs, dir: &Path) -> Result<Vec<u64>, Error> {
    let names = fs.list(dir).map_err(|e| Error::io("list", dir, &e))?;
    let number = |name: &std::ffi::OsString| match Name::parse(name)? {
        Name::Value(number) => Some(number),
        _ => None,
    };
    Ok(names.iter().filter_map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::super::reference::MAX_APART;
    use super::*;

    /// Another program made these bytes from the tables in docs/format.md.
    const GOLDEN: &str = concat!(
        "896d656d6f0d0a1a0400040028000000efcdab89",
        "67452301030000000700000000000000e1d101a1",
    );
    const BYTES: &str = "0700000000000000efcdab8967452301030000000000000078563412";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn the_bytes_are_as_docs_format_md_describes() {
        let reference =
            Reference { number: 7, salt: 0x0123_4567_89ab_cdef, len: 3, crc: 0x1234_5678 };
        assert_eq!(hex(&reference.header()), GOLDEN);
        assert_eq!(hex(&reference.to_bytes()), BYTES);
        assert_eq!(Reference::parse(&reference.to_bytes()), Some(reference));
        assert_eq!(Reference::parse(&reference.to_bytes()[1..]), None);
        let longest = Reference { len: MAX_APART, ..reference };
        assert_eq!(Reference::parse(&longest.to_bytes()), Some(longest));
        let longer = Reference { len: MAX_APART + 1, ..reference };
        assert_eq!(Reference::parse(&longer.to_bytes()), None);
    }
}

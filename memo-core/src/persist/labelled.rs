//! A file of a pool: what it is called stands in itself, so that a rename is one write. docs/format.md has the bytes.

use std::io;

use crate::platform::access_handle::AccessHandle;
use crate::platform::crc32c::crc32c;

/// Where the content begins. Before it are two labels.
const CONTENT: u64 = 4096;
/// The bytes of a label.
const LABEL: usize = 2048;
const MAGIC: &[u8; 8] = b"memolbl\x01";
/// The bytes before the path, and after it.
const BEFORE: usize = 18;
const AFTER: usize = 4;

/// A file with its label.
pub(super) struct Labelled {
    handle: Box<dyn AccessHandle>,
    /// Which of the two labels counts.
    current: usize,
}

/// What a label says. The path of a free file is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Label {
    pub(super) path: String,
    /// The labels of a pool are numbered in the order in which they were written.
    pub(super) number: u64,
}

impl Label {
    fn to_bytes(&self) -> io::Result<[u8; LABEL]> {
        let Self { path, number } = self;
        let mut bytes = [0; LABEL];
        let end = BEFORE + path.len();
        if end + AFTER > LABEL {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "its path is too long"));
        }
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&number.to_le_bytes());
        let len = u16::try_from(path.len()).unwrap_or(u16::MAX);
        bytes[16..BEFORE].copy_from_slice(&len.to_le_bytes());
        bytes[BEFORE..end].copy_from_slice(path.as_bytes());
        let sum = crc32c(&bytes[..end]);
        bytes[end..end + AFTER].copy_from_slice(&sum.to_le_bytes());
        Ok(bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (len, rest) = rest.split_first_chunk::<2>()?;
        let len = usize::from(u16::from_le_bytes(*len));
        let path = rest.get(..len)?;
        let sum = rest.get(len..len + AFTER)?;
        if sum != crc32c(&bytes[..BEFORE + len]).to_le_bytes() {
            return None;
        }
        let path = String::from_utf8(path.to_vec()).ok()?;
        Some(Self { path, number: u64::from_le_bytes(*number) })
    }
}

impl Labelled {
    /// Reads the label. A file without one is free.
    pub(super) fn open(handle: Box<dyn AccessHandle>) -> io::Result<(Self, Label)> {
        let mut found = Label::default();
        let mut current = 1;
        for place in 0..2 {
            let mut bytes = [0; LABEL];
            let mut filled = 0;
            while filled < LABEL {
                let at = (place * LABEL + filled) as u64;
                match handle.read_at(&mut bytes[filled..], at)? {
                    0 => break,
                    n => filled += n,
                }
            }
            if let Some(label) = Label::parse(&bytes).filter(|l| l.number >= found.number) {
                (found, current) = (label, place);
            }
        }
        Ok((Self { handle, current }, found))
    }

    /// Writes another label, and makes it durable. It takes the place of the one before the present, which counts until
    /// this one is whole.
    pub(super) fn set(&mut self, label: &Label) -> io::Result<()> {
        let (bytes, place) = (label.to_bytes()?, 1 - self.current);
        let mut written = 0;
        while written < LABEL {
            let at = (place * LABEL + written) as u64;
            match self.handle.write_at(&bytes[written..], at)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => written += n,
            }
        }
        self.handle.flush()?;
        self.current = place;
        Ok(())
    }

    pub(super) fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.handle.write_at(bytes, CONTENT + at)
    }

    pub(super) fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.handle.read_at(bytes, CONTENT + at)
    }

    pub(super) fn size(&self) -> io::Result<u64> {
        Ok(self.handle.size()?.saturating_sub(CONTENT))
    }

    pub(super) fn truncate(&self, len: u64) -> io::Result<()> {
        self.handle.truncate(CONTENT + len)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.handle.flush()
    }
}

//! Reads a value in postcard's format from a stream, so that its bytes need not be in memory as a whole.

use std::cell::RefCell;
use std::io::BufRead;

use ::postcard::de_flavors::Flavor;
use ::postcard::{Error, Result};

/// The bytes that are left of a stream.
pub(super) struct Stream<R> {
    reader: R,
    left: u64,
}

impl<R: BufRead> Stream<R> {
    /// Makes a stream of the next `left` bytes of `reader`.
    pub(super) fn new(reader: R, left: u64) -> RefCell<Self> {
        RefCell::new(Self { reader, left })
    }

    fn pop(&mut self) -> Result<u8> {
        let byte = *self.buffered()?.first().ok_or(Error::DeserializeUnexpectedEnd)?;
        self.consume(1);
        Ok(byte)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            let buffered = self.buffered()?;
            let len = buffered.len().min(bytes.len() - filled);
            if len == 0 {
                return Err(Error::DeserializeUnexpectedEnd);
            }
            bytes[filled..filled + len].copy_from_slice(&buffered[..len]);
            self.consume(len);
            filled += len;
        }
        Ok(())
    }

    fn buffered(&mut self) -> Result<&[u8]> {
        if self.left == 0 {
            return Err(Error::DeserializeUnexpectedEnd);
        }
        let buffered = self.reader.fill_buf().map_err(|_| Error::DeserializeUnexpectedEnd)?;
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&buffered[..buffered.len().min(most)])
    }

    fn consume(&mut self, len: usize) {
        self.reader.consume(len);
        self.left -= len as u64;
    }
}

/// Reads text and bytes from a stream into memory that the value then owns.
pub(super) trait OwnedParts {
    /// Reads a length and so many bytes.
    fn read_bytes(&self) -> Result<Vec<u8>>;
}

impl<R: BufRead> OwnedParts for RefCell<Stream<R>> {
    fn read_bytes(&self) -> Result<Vec<u8>> {
        let mut stream = self.borrow_mut();
        let mut len: u64 = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = stream.pop()?;
            len |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        // Never more than what is there.
        if len > stream.left {
            return Err(Error::DeserializeUnexpectedEnd);
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| Error::DeserializeBadVarint)?];
        stream.read(&mut bytes)?;
        Ok(bytes)
    }
}

/// The longest part that a number or a character takes.
const MAX_PART: usize = 16;

/// The input of postcard. Text and bytes are read by [`OwnedParts`], past it.
pub(super) struct Parts<'s, R> {
    stream: &'s RefCell<Stream<R>>,
    part: [u8; MAX_PART],
}

impl<'s, R: BufRead> Parts<'s, R> {
    pub(super) fn of(stream: &'s RefCell<Stream<R>>) -> Self {
        Self { stream, part: [0; MAX_PART] }
    }
}

impl<'s, R: BufRead> Flavor<'s> for Parts<'s, R> {
    type Remainder = u64;
    type Source = &'s [u8];

    fn pop(&mut self) -> Result<u8> {
        self.stream.borrow_mut().pop()
    }

    fn size_hint(&self) -> Option<usize> {
        usize::try_from(self.stream.borrow().left).ok()
    }

    fn try_take_n(&mut self, _len: usize) -> Result<&'s [u8]> {
        Err(Error::NotYetImplemented)
    }

    fn try_take_n_temp<'a>(&'a mut self, len: usize) -> Result<&'a [u8]>
    where
        's: 'a,
    {
        let part = self.part.get_mut(..len).ok_or(Error::DeserializeBadEncoding)?;
        self.stream.borrow_mut().read(part)?;
        Ok(part)
    }

    /// Returns how many bytes are left.
    fn finalize(self) -> Result<u64> {
        Ok(self.stream.borrow().left)
    }
}

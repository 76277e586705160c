//! Where the bytes of a value come from: memory, or a stream, so that they need not be in memory as a whole.

use std::borrow::Cow;
use std::io::BufRead;

use super::malformed::Malformed;

pub(super) trait Source<'de> {
    /// Returns how many bytes are left.
    fn left(&self) -> u64;

    /// Takes one byte.
    fn byte(&mut self) -> Result<u8, Malformed>;

    /// Fills `bytes`.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Malformed>;

    /// Takes `len` bytes. Memory is allocated only for bytes that are there.
    fn take(&mut self, len: usize) -> Result<Cow<'de, [u8]>, Malformed>;
}

impl<'de> Source<'de> for &'de [u8] {
    #[inline]
    fn left(&self) -> u64 {
        self.len() as u64
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.split_first().ok_or(Malformed::TOO_SHORT)?;
        *self = rest;
        Ok(*first)
    }

    #[inline]
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Malformed> {
        let (taken, rest) = self.split_at_checked(bytes.len()).ok_or(Malformed::TOO_SHORT)?;
        bytes.copy_from_slice(taken);
        *self = rest;
        Ok(())
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<Cow<'de, [u8]>, Malformed> {
        let (taken, rest) = self.split_at_checked(len).ok_or(Malformed::TOO_SHORT)?;
        *self = rest;
        Ok(Cow::Borrowed(taken))
    }
}

/// The next bytes of a reader.
pub(super) struct Stream<R> {
    reader: R,
    left: u64,
}

impl<R: BufRead> Stream<R> {
    /// Makes a stream of the next `left` bytes of `reader`.
    pub(super) fn new(reader: R, left: u64) -> Self {
        Self { reader, left }
    }

    fn buffered(&mut self) -> Result<&[u8], Malformed> {
        if self.left == 0 {
            return Err(Malformed::TOO_SHORT);
        }
        let buffered = self.reader.fill_buf().map_err(|_| Malformed("they cannot be read"))?;
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&buffered[..buffered.len().min(most)])
    }

    fn consume(&mut self, len: usize) {
        self.reader.consume(len);
        self.left -= len as u64;
    }
}

impl<'de, R: BufRead> Source<'de> for Stream<R> {
    fn left(&self) -> u64 {
        self.left
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.buffered()?.first().ok_or(Malformed::TOO_SHORT)?;
        self.consume(1);
        Ok(byte)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Malformed> {
        let mut filled = 0;
        while filled < bytes.len() {
            let buffered = self.buffered()?;
            let len = buffered.len().min(bytes.len() - filled);
            if len == 0 {
                return Err(Malformed::TOO_SHORT);
            }
            bytes[filled..filled + len].copy_from_slice(&buffered[..len]);
            self.consume(len);
            filled += len;
        }
        Ok(())
    }

    fn take(&mut self, len: usize) -> Result<Cow<'de, [u8]>, Malformed> {
        if len as u64 > self.left {
            return Err(Malformed::TOO_SHORT);
        }
        let mut bytes = vec![0; len];
        self.fill(&mut bytes)?;
        Ok(Cow::Owned(bytes))
    }
}

//! Where the bytes of a value go while it is encoded: into memory, and from a certain length on elsewhere.

use std::io::{self, BufReader, Read, Write};

use crate::error::Error;

/// The first bytes of a value take this much memory. Most values need no more.
const FIRST: usize = 256;

/// A value whose bytes are more than this many goes elsewhere, and later bytes in pieces of this length.
pub(crate) const MAX_IN_MEMORY: usize = 256 << 10;

/// Takes the bytes of a long value, in pieces.
pub(crate) trait Spill {
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// Reads bytes from the offset `at`. Returns how many; 0 at the end.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
}

/// Why a sink takes no more bytes.
#[derive(Debug)]
pub(crate) enum SinkFailure {
    /// There would be at least this many.
    TooLong(u64),
    /// They cannot be stored.
    Failed(Error),
}

/// The output of a codec, empty at first. Bytes are written to it through [`std::io::Write`].
///
/// A sink refuses bytes beyond the limit of the function (the argument `max_value`), and bytes that cannot be stored.
/// Then it takes no more, and the value is not stored, whatever the codec returns.
pub struct Sink<'s> {
    /// Bytes in memory: all, or those that were not spilled yet.
    bytes: Vec<u8>,
    spilled: u64,
    limit: u64,
    spill: Option<&'s mut dyn Spill>,
    /// In a box, because sinks are passed on and seldom fail.
    failure: Option<Box<SinkFailure>>,
}

/// What was written to a sink.
pub(super) enum Written<'a> {
    Bytes(&'a [u8]),
    /// A stream of that many bytes.
    Stream(BufReader<Spilled<'a>>, u64),
}

/// Bytes that were spilled, as a stream.
pub(super) struct Spilled<'a> {
    spill: &'a dyn Spill,
    at: u64,
}

impl Read for Spilled<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.spill.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Sink<'static> {
    /// Makes a sink that keeps all bytes in memory.
    pub(super) fn in_memory() -> Self {
        Self::new(u64::MAX, None)
    }

    /// Makes a sink for at most `limit` bytes, all in memory.
    pub(crate) fn limited(limit: usize) -> Self {
        Self::new(limit as u64, None)
    }
}

impl<'s> Sink<'s> {
    /// Makes a sink for at most `limit` bytes. If they are more than [`MAX_IN_MEMORY`], all go to `spill`.
    #[inline]
    pub(crate) fn spilling(limit: u64, spill: &'s mut dyn Spill) -> Self {
        Self::new(limit, Some(spill))
    }

    #[inline]
    fn new(limit: u64, spill: Option<&'s mut dyn Spill>) -> Self {
        let first = usize::try_from(limit).map_or(FIRST, |limit| limit.min(FIRST));
        Self { bytes: Vec::with_capacity(first), spilled: 0, limit, spill, failure: None }
    }

    /// Returns how many bytes were written.
    #[inline]
    pub(super) fn position(&self) -> u64 {
        self.spilled + self.bytes.len() as u64
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) -> Result<(), Refused> {
        if self.bytes.len() < self.bytes.capacity() {
            self.bytes.push(byte);
            return Ok(());
        }
        self.extend_slowly(&[byte])
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if bytes.len() <= self.bytes.capacity() - self.bytes.len() {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        self.extend_slowly(bytes)
    }

    /// Appends bytes for which there is no room yet. The capacity is never above the limit, so that the fast paths need
    /// not look at it.
    #[cold]
    #[inline(never)]
    fn extend_slowly(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.failure.is_some() {
            return Err(Refused);
        }
        let wanted = self.position().saturating_add(bytes.len() as u64);
        if wanted > self.limit {
            return self.fail(SinkFailure::TooLong(wanted));
        }
        let room = usize::try_from(self.limit - self.spilled).unwrap_or(usize::MAX);
        let len = self.bytes.len();
        let must_spill = self.spill.is_some() && len + bytes.len() > MAX_IN_MEMORY;
        if !must_spill {
            let most = if self.spill.is_some() { room.min(MAX_IN_MEMORY) } else { room };
            let capacity = (len + bytes.len()).max(2 * len).min(most);
            self.bytes.reserve_exact(capacity - len);
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        self.spill_all()?;
        if bytes.len() >= MAX_IN_MEMORY {
            self.spill_bytes(bytes)?;
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        // The limit may be nearer than the capacity now.
        self.bytes.shrink_to(usize::try_from(self.limit - self.spilled).unwrap_or(usize::MAX));
        Ok(())
    }

    /// Spills what is in memory.
    fn spill_all(&mut self) -> Result<(), Refused> {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.spill_bytes(&bytes)?;
        bytes.clear();
        self.bytes = bytes;
        Ok(())
    }

    fn spill_bytes(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let Some(spill) = &mut self.spill else { return Ok(()) };
        match spill.write(bytes) {
            Ok(()) => {
                self.spilled += bytes.len() as u64;
                Ok(())
            }
            Err(error) => self.fail(SinkFailure::Failed(error)),
        }
    }

    /// Takes no more bytes.
    fn fail(&mut self, failure: SinkFailure) -> Result<(), Refused> {
        self.failure = Some(Box::new(failure));
        self.bytes = Vec::new();
        Err(Refused)
    }

    /// Returns whether bytes were refused.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Returns what was written.
    ///
    /// # Errors
    /// The bytes cannot be stored.
    pub(super) fn written(&mut self) -> Result<Written<'_>, Refused> {
        if self.failure.is_some() {
            return Err(Refused);
        }
        if self.spilled == 0 {
            return Ok(Written::Bytes(&self.bytes));
        }
        self.spill_all()?;
        let len = self.spilled;
        let Some(spill) = self.spill.as_deref() else { return Err(Refused) };
        let stream = BufReader::with_capacity(MAX_IN_MEMORY, Spilled { spill, at: 0 });
        Ok(Written::Stream(stream, len))
    }

    /// Returns whether all bytes are in memory.
    #[inline]
    pub(crate) fn is_short(&self) -> bool {
        self.spilled == 0 && self.failure.is_none()
    }

    /// Returns the bytes in memory.
    #[inline]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Spills what is in memory.
    ///
    /// # Errors
    /// The reason why bytes were refused.
    pub(crate) fn end(mut self) -> Result<(), SinkFailure> {
        if self.failure.is_none() && self.spilled > 0 {
            // A failure is noted.
            let _ = self.spill_all();
        }
        self.failure.map_or(Ok(()), |failure| Err(*failure))
    }
}

impl Write for Sink<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend(bytes).map_err(|refused| io::Error::other(refused.to_string()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("position", &self.position()).finish_non_exhaustive()
    }
}

/// Bytes were refused. The sink knows why.
#[derive(Debug)]
pub(super) struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("its bytes cannot be stored")
    }
}

/// Counts how often each byte occurs in what is written.
pub(super) struct Tally(pub(super) [u64; 256]);

impl Tally {
    /// Counts the bytes that `write` writes.
    pub(super) fn of<E>(write: impl FnOnce(&mut Sink<'_>) -> Result<(), E>) -> Result<Self, E> {
        let mut tally = Self([0; 256]);
        let mut sink = Sink::spilling(u64::MAX, &mut tally);
        write(&mut sink)?;
        let rest = sink.into_bytes();
        tally.add(&rest);
        Ok(tally)
    }

    fn add(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0[usize::from(byte)] += 1);
    }

    /// Counts the bytes of a slice or a stream.
    pub(super) fn of_written(written: Written<'_>) -> io::Result<Self> {
        let mut tally = Self([0; 256]);
        match written {
            Written::Bytes(bytes) => tally.add(bytes),
            Written::Stream(mut stream, _) => {
                let mut bytes = vec![0; 16 << 10];
                loop {
                    match stream.read(&mut bytes)? {
                        0 => break,
                        len => tally.add(&bytes[..len]),
                    }
                }
            }
        }
        Ok(tally)
    }
}

impl Spill for Tally {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.add(bytes);
        Ok(())
    }

    fn read_at(&self, _bytes: &mut [u8], _at: u64) -> io::Result<usize> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Memory(Vec<u8>);

    impl Spill for Memory {
        fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }

        fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
            let mut rest = &self.0[usize::try_from(at).unwrap()..];
            rest.read(bytes)
        }
    }

    /// Writes pieces of growing length, up to more than what is kept in memory.
    fn pieces() -> impl Iterator<Item = Vec<u8>> {
        (0..).map(|n: usize| vec![u8::try_from(n % 251).unwrap(); n * n]).take(900)
    }

    #[test]
    fn long_values_are_spilled_as_they_are() {
        let all = pieces().collect::<Vec<_>>().concat();
        let mut memory = Memory::default();
        let mut sink = Sink::spilling(u64::MAX, &mut memory);
        for piece in pieces() {
            sink.write_all(&piece).unwrap();
            assert!(sink.bytes.capacity() <= MAX_IN_MEMORY);
        }
        let Written::Stream(mut stream, len) = sink.written().unwrap() else { panic!("spilled") };
        let mut read = Vec::new();
        stream.read_to_end(&mut read).unwrap();
        assert!(read == all && len == all.len() as u64);
        assert!(!sink.is_short());
        sink.end().unwrap();
        assert!(memory.0 == all);
    }

    #[test]
    fn a_value_at_the_threshold_stays_in_memory() {
        for (len, is_spilled) in [(MAX_IN_MEMORY, false), (MAX_IN_MEMORY + 1, true)] {
            let mut memory = Memory::default();
            let mut sink = Sink::spilling(u64::MAX, &mut memory);
            (0..len).for_each(|_| sink.push(7).unwrap());
            assert_eq!(sink.is_short(), !is_spilled);
            sink.end().unwrap();
            assert_eq!(memory.0.len(), if is_spilled { len } else { 0 });
        }
    }

    #[test]
    fn no_byte_beyond_the_limit_is_taken() {
        for limit in [0, 1, 255, 300, MAX_IN_MEMORY, MAX_IN_MEMORY + 9, 3 * MAX_IN_MEMORY + 1] {
            let mut memory = Memory::default();
            let mut sink = Sink::spilling(limit as u64, &mut memory);
            (0..limit).for_each(|_| sink.push(7).unwrap());
            assert_eq!(sink.position(), limit as u64);
            assert!(sink.push(7).is_err() && sink.push(7).is_err() && sink.has_failed());
            match sink.end().unwrap_err() {
                SinkFailure::TooLong(wanted) => assert_eq!(wanted, limit as u64 + 1),
                SinkFailure::Failed(error) => panic!("{error}"),
            }
        }
    }
}

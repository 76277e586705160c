//! What a record holds in place of a value that is kept apart.

/// The length in bytes of the largest value that is kept apart.
pub const MAX_APART: u64 = u32::MAX as u64;
/// The length of a reference in bytes.
pub(crate) const REFERENCE: usize = 28;

/// What a record holds in place of a value that is kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The number of the file.
    pub(crate) number: u64,
    /// Random for each file, so that another file of the same number is not taken for it.
    pub(crate) salt: u64,
    /// The length of the value in bytes.
    pub(crate) len: u64,
    /// The checksum of the value.
    pub(crate) crc: u32,
}

impl Reference {
    pub(crate) fn to_bytes(self) -> [u8; REFERENCE] {
        let mut bytes = [0; REFERENCE];
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.salt.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.len.to_le_bytes());
        bytes[24..].copy_from_slice(&self.crc.to_le_bytes());
        bytes
    }

    /// Returns `None` if `bytes` are no reference.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; REFERENCE] = bytes.try_into().ok()?;
        let word = |n: usize| bytes[n * 8..n * 8 + 8].try_into().map(u64::from_le_bytes).ok();
        let (number, salt, len) = (word(0)?, word(1)?, word(2)?);
        let crc = u32::from_le_bytes(bytes[24..].try_into().ok()?);
        (len <= MAX_APART).then_some(Self { number, salt, len, crc })
    }
}

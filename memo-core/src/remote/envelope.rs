//! The bytes of a value in a shared store (its envelope): what a reader has to know of it, then the value, then what
//! shows that they are whole and belong to the name. docs/format.md specifies them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::{authentication, compression};
use crate::persist::{Cost, WallMillis, u32_at, u64_at, u128_at};
use crate::platform::crc32c::crc32c_append;

#[cfg(test)]
mod tests;

/// The number of the format.
pub(super) const FORMAT: u8 = 1;
const MAGIC: [u8; 2] = [0x89, b'k'];
/// The size of the part before the generations, in bytes.
pub(super) const HEAD: usize = 64;
/// Where the version ends.
pub(super) const VERSION_END: usize = 20;
/// The size of what stands for a generation, in bytes.
const GENERATION: usize = 16;
/// The size of a checksum in bytes.
const CHECKSUM: usize = 4;

pub(super) const COMPRESSED: u8 = 1;
pub(super) const AUTHENTICATED: u8 = 2;
const HAS_KEY: u8 = 4;
/// All flags. The other bits of the byte are 0.
const FLAGS: u8 = COMPRESSED | AUTHENTICATED | HAS_KEY;
/// The `ttl` of a value without one.
const FOREVER: u64 = u64::MAX;

/// A value, and what a reader has to know of it.
#[derive(Clone, Copy)]
pub(crate) struct Envelope<'a> {
    /// A number that no other value of the entry has.
    pub(crate) version: u128,
    /// The groups to which the value belongs: the hash of each one's name, and its generation when the computation
    /// began.
    pub(crate) generations: &'a [(u64, u64)],
    /// When the value was computed.
    pub(crate) computed: WallMillis,
    /// How long the value lives from then on. `None`: without an end. More than 584 years are 584 years.
    pub(crate) ttl: Option<Duration>,
    /// How long after that the store keeps it. More than 584 years are 584 years.
    pub(crate) stale: Duration,
    /// What it cost to compute the value.
    pub(crate) cost: Cost,
    /// The whole key, if the name holds only its digest. It is shorter than 4 GiB.
    pub(crate) key: Option<&'a [u8]>,
    /// The value, as its codec encoded it.
    pub(crate) value: &'a [u8],
}

/// What [`open`] finds. [`Envelope`] describes the fields.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Opened<'a> {
    pub(crate) version: u128,
    pub(crate) generations: Vec<(u64, u64)>,
    pub(crate) computed: WallMillis,
    pub(crate) ttl: Option<Duration>,
    pub(crate) stale: Duration,
    pub(crate) cost: Cost,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Cow<'a, [u8]>,
}

/// How values are sealed and which are opened.
#[derive(Clone, Copy)]
pub(crate) struct Sealing {
    /// Whether values are compressed that take less space then.
    pub(crate) compress: bool,
    /// The key that authenticates. Whoever has one refuses bytes that were sealed without it or with another. Whoever
    /// has none refuses bytes that were sealed with one.
    pub(crate) key: Option<[u8; 32]>,
    /// The length of the longest value that is opened, in bytes.
    pub(crate) max_value: u64,
}

/// Why bytes are not opened. All of these count as if there were no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsealed {
    /// The bytes are no envelope, or one of another format.
    Foreign,
    /// The bytes were changed, or written under another name, or contradict themselves.
    Damaged,
    /// The bytes were sealed without a key, and there is one.
    Unauthenticated,
    /// The bytes were sealed with a key, and there is none.
    Authenticated,
    /// The bytes were sealed with another key, changed, or written under another name.
    Forged,
    /// The value is longer than [`Sealing::max_value`].
    TooLong,
    /// The value is compressed, and this build lacks the feature `lz4`.
    Compressed,
}

impl Envelope<'_> {
    /// Returns the bytes for the entry with this name.
    pub(crate) fn seal(&self, name: &str, how: &Sealing) -> Vec<u8> {
        let compressed = how.compress.then(|| compression::compress(self.value)).flatten();
        let value = compressed.as_deref().unwrap_or(self.value);
        let key = self.key.unwrap_or_default();
        let len = HEAD + self.generations.len() * GENERATION + key.len() + value.len();
        let mut out = Vec::with_capacity(len + authentication::LEN);
        out.extend_from_slice(&self.head(compressed.is_some(), how.key.is_some()));
        for (group, generation) in self.generations {
            out.extend_from_slice(&group.to_le_bytes());
            out.extend_from_slice(&generation.to_le_bytes());
        }
        out.extend_from_slice(key);
        out.extend_from_slice(value);
        close(&mut out, name, how);
        out
    }

    fn head(&self, is_compressed: bool, is_authenticated: bool) -> [u8; HEAD] {
        let count = |n: usize| u32::try_from(n).expect("less than 4 GiB").to_le_bytes();
        let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(FOREVER);
        let ttl = self.ttl.map_or(FOREVER, |ttl| nanos(ttl).min(FOREVER - 1));
        let mut head = [0; HEAD];
        head[..2].copy_from_slice(&MAGIC);
        head[2] = FORMAT;
        head[3] = flag(COMPRESSED, is_compressed)
            | flag(AUTHENTICATED, is_authenticated)
            | flag(HAS_KEY, self.key.is_some());
        head[4..20].copy_from_slice(&self.version.to_le_bytes());
        head[20..28].copy_from_slice(&self.computed.to_le_bytes());
        head[28..36].copy_from_slice(&ttl.to_le_bytes());
        head[36..40].copy_from_slice(&count(self.generations.len()));
        head[40..44].copy_from_slice(&count(self.key.map_or(0, <[u8]>::len)));
        head[44..52].copy_from_slice(&(self.value.len() as u64).to_le_bytes());
        head[52] = self.cost.to_byte();
        head[56..].copy_from_slice(&nanos(self.stale).to_le_bytes());
        head
    }
}

/// Opens what [`Envelope::seal`] returned for the entry with this name.
///
/// # Errors
/// Why that is not possible.
pub(crate) fn open<'a>(name: &str, bytes: &'a [u8], how: &Sealing) -> Result<Opened<'a>, Unsealed> {
    let (head, body) = verified(name, bytes, how)?;
    let (count, key_len) = (u64::from(u32_at(head, 36)), u64::from(u32_at(head, 40)));
    let value_len = u64_at(head, 44);
    if value_len > how.max_value {
        return Err(Unsealed::TooLong);
    }
    let (generations, body) = split_at(body, count * GENERATION as u64)?;
    let (key, value) = split_at(body, key_len)?;
    let has_key = head[3] & HAS_KEY != 0;
    if (!has_key && !key.is_empty()) || head[53..56] != [0; 3] {
        return Err(Unsealed::Damaged);
    }
    let value = if head[3] & COMPRESSED != 0 {
        let is_built = cfg!(feature = "lz4");
        let why = if is_built { Unsealed::Damaged } else { Unsealed::Compressed };
        Cow::Owned(compression::decompress(value, value_len).ok_or(why)?)
    } else if value.len() as u64 == value_len {
        Cow::Borrowed(value)
    } else {
        return Err(Unsealed::Damaged);
    };
    let ttl = u64_at(head, 28);
    Ok(Opened {
        version: u128_at(head, 4),
        generations: generations
            .chunks_exact(GENERATION)
            .map(|g| (u64_at(g, 0), u64_at(g, 8)))
            .collect(),
        computed: u64_at(head, 20),
        ttl: (ttl != FOREVER).then(|| Duration::from_nanos(ttl)),
        stale: Duration::from_nanos(u64_at(head, 56)),
        cost: Cost::from_byte(head[52]),
        key: has_key.then_some(key),
        value,
    })
}

/// Returns the version of a value by the first 20 bytes of its envelope, which nobody has checked. `None` if they are
/// not those of an envelope.
pub(crate) fn version_of(bytes: &[u8]) -> Option<u128> {
    let start: &[u8; VERSION_END] = bytes.first_chunk()?;
    (start[..2] == MAGIC && start[2] == FORMAT).then(|| u128_at(start, 4))
}

/// Appends to the bytes before what shows that they are whole and belong to the name.
pub(super) fn close(out: &mut Vec<u8>, name: &str, how: &Sealing) {
    match &how.key {
        Some(key) => {
            let code = authentication::code(key, covered(&len_of(name), name, out));
            out.extend_from_slice(&code);
        }
        None => {
            let checksum = checksum(covered(&len_of(name), name, out));
            out.extend_from_slice(&checksum);
        }
    }
}

/// Returns the head and the bytes between it and the end, once it is certain that they are as they were sealed.
fn verified<'a>(
    name: &str,
    bytes: &'a [u8],
    how: &Sealing,
) -> Result<(&'a [u8; HEAD], &'a [u8]), Unsealed> {
    let head: &[u8; HEAD] = bytes.first_chunk().ok_or(Unsealed::Foreign)?;
    if head[..2] != MAGIC || head[2] != FORMAT || head[3] & !FLAGS != 0 {
        return Err(Unsealed::Foreign);
    }
    let is_authenticated = head[3] & AUTHENTICATED != 0;
    let end_len = if is_authenticated { authentication::LEN } else { CHECKSUM };
    let body_len = (bytes.len() - HEAD).checked_sub(end_len).ok_or(Unsealed::Damaged)?;
    let (before, end) = bytes.split_at(HEAD + body_len);
    let len = len_of(name);
    let covered = covered(&len, name, before);
    match (&how.key, is_authenticated) {
        (Some(_), false) => return Err(Unsealed::Unauthenticated),
        (None, true) => return Err(Unsealed::Authenticated),
        (Some(key), true) if !authentication::is_code(end, key, covered) => {
            return Err(Unsealed::Forged);
        }
        (None, false) if checksum(covered) != end => return Err(Unsealed::Damaged),
        _ => {}
    }
    Ok((head, &before[HEAD..]))
}

/// Returns what a checksum or a code covers. The length tells where the name ends.
fn covered<'a>(len: &'a [u8; 8], name: &'a str, bytes: &'a [u8]) -> [&'a [u8]; 3] {
    [len, name.as_bytes(), bytes]
}

fn len_of(name: &str) -> [u8; 8] {
    (name.len() as u64).to_le_bytes()
}

fn checksum(parts: [&[u8]; 3]) -> [u8; CHECKSUM] {
    parts.iter().fold(0, |crc, part| crc32c_append(crc, part)).to_le_bytes()
}

fn split_at(bytes: &[u8], len: u64) -> Result<(&[u8], &[u8]), Unsealed> {
    let len = usize::try_from(len).ok();
    len.and_then(|len| bytes.split_at_checked(len)).ok_or(Unsealed::Damaged)
}

impl Default for Sealing {
    fn default() -> Self {
        Self { compress: false, key: None, max_value: 64 << 20 }
    }
}

/// Shows whether there is a key, and not the key.
impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { compress, key, max_value } = self;
        let mut out = f.debug_struct("Sealing");
        out.field("compress", compress).field("max_value", max_value);
        out.field("authenticated", &key.is_some()).finish()
    }
}

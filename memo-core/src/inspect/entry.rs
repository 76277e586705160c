//! One stored result.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use crate::error::Error;
use crate::persist::{Apart, Name, Put, RealFs, Record, Reference, WallMillis};

/// A stored result. Times are milliseconds since 1970.
pub struct Entry<'a> {
    dir: &'a Path,
    name: Name,
    /// The key, as it was written.
    pub key: &'a [u8],
    stored: &'a [u8],
    apart: Option<Reference>,
    /// When it was computed.
    pub created: WallMillis,
    /// When it expires. `None`: never.
    pub expires: Option<WallMillis>,
    /// What it cost to compute, if that is known.
    pub cost: Option<Duration>,
    /// Its tags, 8 bytes each, as docs/format.md describes them.
    pub tags: &'a [u8],
    /// The number of its record among those of all processes.
    pub sequence: u64,
    /// The offset of its record in the file, in bytes.
    pub offset: u64,
    /// The length in bytes of its record, and of its value if that is kept apart.
    pub bytes: u64,
}

impl<'a> Entry<'a> {
    pub(crate) fn of(dir: &'a Path, put: &Put<'a>) -> Option<Self> {
        let Record::Put { key, value, created, expires, cost, tags, .. } = put.record else {
            return None;
        };
        let (name, offset) = put.position;
        let bytes = put.bytes + put.bytes_apart();
        Some(Self {
            dir,
            name,
            key,
            stored: value,
            apart: put.apart,
            created,
            expires,
            cost: cost.time(),
            tags,
            sequence: put.meta.sequence,
            offset,
            bytes,
        })
    }

    /// Returns the name of the file that has the record.
    #[must_use]
    pub fn file(&self) -> String {
        self.name.to_string()
    }

    /// Returns the name of the file that has the value, if it has one of its own.
    #[must_use]
    pub fn value_file(&self) -> Option<String> {
        self.apart.map(|value| Name::Value(value.number).to_string())
    }

    /// Returns the length of the value in bytes.
    #[must_use]
    pub fn value_len(&self) -> u64 {
        self.apart.map_or(self.stored.len() as u64, |value| value.len)
    }

    /// Returns the value, as its codec wrote it. `None` if its file is gone, because another value took its place.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its file is damaged. [`Error::Io`] if it cannot be read.
    pub fn value(&self) -> Result<Option<Cow<'a, [u8]>>, Error> {
        let Some(reference) = self.apart else { return Ok(Some(Cow::Borrowed(self.stored))) };
        let path = Name::Value(reference.number).at(self.dir);
        match reference.read(&RealFs, self.dir).map_err(|e| Error::io("read", &path, &e))? {
            Apart::Value(value) => Ok(Some(Cow::Owned(value))),
            Apart::Missing => Ok(None),
            Apart::Damaged => {
                Err(Error::Corrupt { path, offset: 0, reason: "damaged value".to_owned() })
            }
        }
    }
}

//! Why an entry left memory.

use std::fmt::{self, Display, Formatter};

use super::explanation::Bound;

/// Why an entry left memory. The listener of the argument `on_evict`, or of [`Memo::on_evict`], gets it. It says what
/// removed the entry: one whose time had ended before a newer value took its place is `Replaced`.
///
/// [`Memo::on_evict`]: crate::handle::memo::Memo::on_evict
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Departure {
    /// It was evicted because of `max`. With `persist` it is still on disk.
    Size,
    /// It was evicted because of `max_bytes`, or the newer value of its key alone weighs more than that. In the first
    /// case it is still on disk with `persist`.
    Weight,
    /// Its time to live had ended, and the time for which it is served `stale`.
    Expired,
    /// Nobody had used it for the time that `idle` allows.
    Idle,
    /// It was removed by its key or by a tag: by `invalidate`, `invalidate_tag`, `invalidate_where` or `retain`, or by
    /// another process or machine. What `invalidate_tag` ends leaves when it is met, or in a sweep soon after.
    Invalidated,
    /// A newer value of its key took its place.
    Replaced,
    /// All entries were removed: by `clear`, by another process or machine, or because there was no connection to the
    /// tier.
    Cleared,
}

impl Departure {
    /// Returns why an entry leaves that is evicted because of `bound`.
    pub(crate) fn evicted(bound: Bound) -> Self {
        match bound {
            Bound::Max => Self::Size,
            Bound::MaxBytes => Self::Weight,
        }
    }
}

impl Display for Departure {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "evicted because of `max`",
            Self::Weight => "evicted because of `max_bytes`",
            Self::Expired => "expired",
            Self::Idle => "not used for the idle time",
            Self::Invalidated => "invalidated",
            Self::Replaced => "replaced",
            Self::Cleared => "cleared",
        })
    }
}

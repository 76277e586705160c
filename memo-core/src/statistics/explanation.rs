//! What a cache knows of one key, and why it does not hold it.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// What a cache knows of one key, and if it does not hold the key, why. [`Memo::explain`] returns it; `Display` says it
/// in plain words.
///
/// Why a key left is known only with the argument `explain`, and only for as many of the last departures as that says.
/// A departure is remembered by a hash of 64 bits and the length of the key. So another key that shares both, of which
/// there is one among 10^19, would be explained instead.
///
/// [`Memo::explain`]: crate::handle::memo::Memo::explain
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Explanation {
    /// The arguments have no key: they fail to serialize, or nest too deeply. Every call computes.
    Unkeyable,
    /// Memory has it, and calls hit.
    Held {
        /// The time since it was computed, if the function has `ttl` or `ttl_with`.
        age: Option<Duration>,
        /// How long it still lives, if it ends: by its time to live, or because nobody uses it.
        left: Option<Duration>,
    },
    /// Memory or the disk has it, but its time has ended. The next call computes.
    Over {
        /// The time since its end.
        ago: Duration,
        /// How long it is still served while another caller computes, or `None` if it is not.
        stale_for: Option<Duration>,
    },
    /// Memory has it, but one of its tags was invalidated. The next call computes.
    TagInvalidated,
    /// It is being computed now, and calls wait for that.
    Computing,
    /// Memory does not have it, but the disk does. The next call reads it from there.
    Stored,
    /// The disk has a result that cannot be used. The next call computes.
    Discarded {
        /// Why not.
        reason: String,
    },
    /// It was evicted to make room.
    Evicted {
        /// How long ago.
        ago: Duration,
        /// The bound that had no room.
        bound: Bound,
    },
    /// It was removed because its time to live or its idle time had ended.
    Expired {
        /// How long ago it was removed.
        ago: Duration,
    },
    /// It was removed on request, or was not kept because it was removed while it was computed.
    Invalidated {
        /// How long ago.
        ago: Duration,
        /// What removed it.
        by: Remover,
    },
    /// It was computed and not kept.
    NotKept {
        /// How long ago.
        ago: Duration,
        /// Why not.
        why: Refusal,
    },
    /// It is not held, and nothing is known of it; but a key is held that is nearly the same. At most 1000 held keys
    /// are looked at, and 4 MiB of keys.
    Similar {
        /// The argument that differs: its name if the function has the argument `explain`, else its place, from `1`.
        argument: String,
        /// The value of that argument in the key that was asked for.
        asked: String,
        /// Its value in the key that is held.
        held: String,
        /// How many more arguments differ.
        others: usize,
    },
    /// No call has computed it since the process began.
    NeverSeen,
    /// It is not held, and it is not among the departures that are remembered: it was never seen, or it left before.
    NotRemembered {
        /// How many departures are remembered. 0: the function does not have the argument `explain`.
        departures: usize,
    },
}

/// A bound of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// `max`, on the number of entries.
    Max,
    /// `max_bytes`, on their weight.
    MaxBytes,
}

/// What removes entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remover {
    /// `invalidate`.
    Invalidate,
    /// `clear`.
    Clear,
    /// `retain`.
    Retain,
    /// `invalidate_where`.
    InvalidateWhere,
    /// `invalidate_tag`.
    Tag,
    /// Another process that shares the directory of `persist`.
    Process,
    /// Another process that shares the tier of `remote`.
    Machine,
    /// There was no connection to the tier, so that it is not known what others have removed there.
    Disconnection,
}

/// Why a result is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// It was an error, and the function does not cache errors.
    Error,
    /// `cache_if` rejected it.
    CacheIf,
    /// It alone weighs more than `max_bytes`, or a bound is 0.
    Room,
    /// There was no result: the computation panicked, or its future was dropped.
    Unfinished,
}

/// Why a key is not held any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Evicted(Bound),
    Expired,
    Invalidated(Remover),
    NotKept(Refusal),
}

impl Cause {
    pub(crate) fn explained(self, ago: Duration) -> Explanation {
        match self {
            Self::Evicted(bound) => Explanation::Evicted { ago, bound },
            Self::Expired => Explanation::Expired { ago },
            Self::Invalidated(by) => Explanation::Invalidated { ago, by },
            Self::NotKept(why) => Explanation::NotKept { ago, why },
        }
    }
}

impl Display for Bound {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Max => "`max`",
            Self::MaxBytes => "`max_bytes`",
        })
    }
}

impl Display for Remover {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalidate => "by `invalidate`",
            Self::Clear => "by `clear`",
            Self::Retain => "by `retain`",
            Self::InvalidateWhere => "by `invalidate_where`",
            Self::Tag => "by `invalidate_tag`",
            Self::Process => "by another process",
            Self::Machine => "by another machine",
            Self::Disconnection => "because the connection to the tier was lost",
        })
    }
}

impl Display for Refusal {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "it was an error",
            Self::CacheIf => "`cache_if` rejected it",
            Self::Room => "it does not fit into `max_bytes` or `max`",
            Self::Unfinished => "the computation did not return",
        })
    }
}

impl Display for Explanation {
    #[inline]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unkeyable => f.write_str("never held: the arguments have no key"),
            Self::Held { age, left } => {
                f.write_str("held")?;
                if let Some(age) = age {
                    write!(f, ", computed {age:.1?} ago")?;
                }
                left.map_or(Ok(()), |left| write!(f, ", for {left:.1?} more"))
            }
            Self::Over { ago, stale_for: Some(left) } => {
                write!(f, "over since {ago:.1?}, and served stale for {left:.1?} more")
            }
            Self::Over { ago, stale_for: None } => write!(f, "over since {ago:.1?}"),
            Self::TagInvalidated => f.write_str("held, but one of its tags was invalidated"),
            Self::Computing => f.write_str("being computed"),
            Self::Stored => f.write_str("on disk, and not in memory"),
            Self::Discarded { reason } => write!(f, "on disk, but not used: {reason}"),
            Self::Evicted { ago, bound } => {
                write!(f, "evicted {ago:.1?} ago to make room within {bound}")
            }
            Self::Expired { ago } => write!(f, "expired, and removed {ago:.1?} ago"),
            Self::Invalidated { ago, by } => write!(f, "removed {ago:.1?} ago {by}"),
            Self::NotKept { ago, why } => write!(f, "computed {ago:.1?} ago and not kept: {why}"),
            Self::Similar { argument, asked, held, others } => {
                write!(
                    f,
                    "not held, but a key is held whose argument {argument} is {held} in place of {asked}"
                )?;
                match others {
                    0 => Ok(()),
                    1 => f.write_str("; 1 more argument differs"),
                    _ => write!(f, "; {others} more arguments differ"),
                }
            }
            Self::NeverSeen => f.write_str("not seen since the program began"),
            Self::NotRemembered { departures: 0 } => {
                f.write_str("not held; with the argument `explain`, the cache remembers why")
            }
            Self::NotRemembered { departures } => {
                write!(f, "not held: never seen, or gone before the last {departures} departures")
            }
        }
    }
}

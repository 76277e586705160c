//! The distribution of times, as those who look at statistics see it.

use std::time::Duration;

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::counters::mean;

/// Each power of two is divided into this many buckets.
const PARTS: u32 = 1 << PARTS_BITS;
const PARTS_BITS: u32 = 2;
/// Shorter times than 2 to this power, in nanoseconds, share the first bucket.
const LEAST_BITS: u32 = 6;
/// Times from 2 to this power on share the last bucket.
const MOST_BITS: u32 = 45;
/// The number of buckets.
pub(super) const BUCKETS: usize = 2 + ((MOST_BITS - LEAST_BITS) * PARTS) as usize;

/// Returns the bucket of a time.
#[expect(clippy::cast_possible_truncation, reason = "a part is less than `PARTS`")]
pub(super) fn bucket_of(nanos: u64) -> usize {
    let bits = nanos.checked_ilog2().unwrap_or(0);
    if bits < LEAST_BITS {
        return 0;
    }
    if bits >= MOST_BITS {
        return BUCKETS - 1;
    }
    let part = (nanos >> (bits - PARTS_BITS)) % u64::from(PARTS);
    1 + ((bits - LEAST_BITS) * PARTS) as usize + part as usize
}

/// Returns the first time of a bucket, in nanoseconds. The one of the bucket behind the last has no meaning.
fn beginning(bucket: usize) -> u64 {
    let Some(step) = bucket.checked_sub(1) else { return 0 };
    let (octave, part) = (step / PARTS as usize, (step % PARTS as usize) as u64);
    (u64::from(PARTS) + part) << (octave + (LEAST_BITS - PARTS_BITS) as usize)
}

/// How long something took: how many times were measured, and how they are distributed.
///
/// A quantile is within 12 % of the exact one, above or below, and within 64 ns for times of less than 64 ns. Times of
/// more than 9 hours are told apart by the maximum alone. Count, sum and maximum are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The buckets that are not empty, in order, and how many times each has.
    counts: Vec<(u8, u64)>,
    sum: Duration,
    max: Duration,
}

impl Histogram {
    /// `counts`: the number of each bucket.
    pub(super) fn new(counts: impl Iterator<Item = u64>, sum: u64, max: u64) -> Self {
        let counts = (0..).zip(counts).filter(|(_, count)| *count > 0).collect();
        Self { counts, sum: Duration::from_nanos(sum), max: Duration::from_nanos(max) }
    }

    /// Returns how many times were measured.
    #[inline]
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Returns whether no time was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns the sum of all times.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// Returns the mean, or `None` if no time was measured.
    #[inline]
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| mean(self.sum, self.count()))
    }

    /// Returns the longest time, or `None` if none was measured. After [`Stats::since`](super::stats::Stats::since) it
    /// is exact if it is the longest of all; otherwise it is within 25 % above the longest of that span.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (!self.is_empty()).then_some(self.max)
    }

    /// Returns the median, or `None` if no time was measured.
    #[inline]
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.quantile(0.5)
    }

    /// Returns the time that 99 % of the times do not exceed, or `None` if none was measured.
    #[inline]
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.quantile(0.99)
    }

    /// Returns the time that the share `share` of the times does not exceed, or `None` if none was measured. A `share`
    /// of less than 0 counts as 0, one of more than 1 as 1.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among a count, and a quantile is not exact"
    )]
    #[inline]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        let rank = ((share.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0;
        let reaches = |&&(_, count): &&(u8, u64)| {
            below += count;
            below >= rank
        };
        let bucket = usize::from(self.counts.iter().find(reaches)?.0);
        Some(middle(bucket).map_or(self.max, |middle| middle.min(self.max)))
    }

    /// Returns, for each bucket that is not empty, the time below which its times are, and how many it has. The last
    /// bucket, of times of more than 9 hours, has [`Duration::MAX`].
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.counts.iter().map(|&(bucket, count)| (end(usize::from(bucket)), count))
    }

    /// Returns, for each bucket that is not empty, the time that stands for its times, and how many it has.
    #[cfg(feature = "metrics")]
    pub(crate) fn middles(&self) -> impl Iterator<Item = (Duration, u64)> {
        let middle = |bucket: u8| middle(usize::from(bucket)).map_or(self.max, |m| m.min(self.max));
        self.counts.iter().map(move |&(bucket, count)| (middle(bucket), count))
    }

    /// Returns the times that were measured since `earlier`.
    #[inline]
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let before = |bucket| {
            let at = earlier.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket);
            at.map_or(0, |at| earlier.counts[at].1)
        };
        let left = |&(bucket, count): &(u8, u64)| (bucket, count.saturating_sub(before(bucket)));
        let counts: Vec<_> = self.counts.iter().map(left).filter(|(_, count)| *count > 0).collect();
        let max = match counts.last() {
            _ if self.max > earlier.max => self.max,
            Some(&(bucket, _)) => end(usize::from(bucket)).min(self.max),
            None => Duration::ZERO,
        };
        Self { counts, sum: self.sum.saturating_sub(earlier.sum), max }
    }
}

/// Returns the time below which the times of a bucket are.
fn end(bucket: usize) -> Duration {
    if bucket == BUCKETS - 1 { Duration::MAX } else { Duration::from_nanos(beginning(bucket + 1)) }
}

/// Returns the time that stands for a bucket: its harmonic middle, which is off by the same share at both ends. The
/// last bucket has none.
#[inline]
fn middle(bucket: usize) -> Option<Duration> {
    let (begin, end) = (beginning(bucket), beginning(bucket + 1));
    (bucket < BUCKETS - 1).then(|| {
        let middle = 2 * u128::from(begin) * u128::from(end) / u128::from(begin + end);
        Duration::from_nanos(u64::try_from(middle).unwrap_or(u64::MAX))
    })
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Histogram", 5)?;
        out.serialize_field("count", &self.count())?;
        out.serialize_field("sum", &self.sum)?;
        out.serialize_field("p50", &self.p50())?;
        out.serialize_field("p99", &self.p99())?;
        out.serialize_field("max", &self.max())?;
        out.end()
    }
}

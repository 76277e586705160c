//! What the capacity of a cache counts, and how it is written.

use serde::ser::{Serialize, Serializer};

/// What a capacity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Entries, as `max` does.
    Entries,
    /// Weight, as `max_bytes` does.
    Bytes,
}

impl Unit {
    /// Rounds a capacity up to two digits, of bytes in the largest unit below it.
    pub(super) fn rounded_up(self, capacity: u64) -> u64 {
        let (number, factor) = self.parts(capacity);
        let digit = 10_u64.pow(number.max(1).ilog10().saturating_sub(1));
        number.div_ceil(digit).saturating_mul(digit).saturating_mul(factor)
    }

    /// Returns a capacity in whole units, rounded up, and the size of the unit.
    fn parts(self, capacity: u64) -> (u64, u64) {
        let steps = if self == Self::Bytes { capacity.max(1).ilog2() / 10 } else { 0 };
        let factor = 1 << (10 * steps);
        (capacity.div_ceil(factor), factor)
    }

    /// Writes a capacity as the argument has it.
    #[inline]
    pub(super) fn value(self, capacity: u64) -> String {
        const SUFFIXES: [&str; 7] = ["", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let (number, factor) = self.parts(capacity);
        match SUFFIXES[factor.ilog2() as usize / 10] {
            "" => number.to_string(),
            suffix => format!("\"{number}{suffix}\""),
        }
    }

    /// Writes the argument for a capacity.
    #[inline]
    pub(super) fn setting(self, capacity: u64) -> String {
        let name = if self == Self::Bytes { "max_bytes" } else { "max" };
        format!("{name} = {}", self.value(capacity))
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *self == Self::Bytes { "bytes" } else { "entries" })
    }
}

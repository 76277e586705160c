//! What the capacity of a cache counts, and how it is written.

use serde_core::ser::{Serialize, Serializer};

/// What a capacity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Entries, as `max` does.
    Entries,
    /// Weight, as `max_bytes` does.
    Bytes,
}

impl Unit {
    /// Rounds a capacity up to two digits, of bytes in the largest unit below it.
    #[inline]
    pub(super) fn rounded_up(self, capacity: u64) -> u64 {
        let (number, factor) = self.parts(capacity);
        let digit = 10_u64.pow(number.max(1).ilog10().saturating_sub(1));
        number.div_ceil(digit).saturating_mul(digit).saturating_mul(factor)
    }

    /// Returns a capacity in whole units, rounded up, and the size of the unit.
    #[inline]
    fn parts(self, capacity: u64) -> (u64, u64) {
        let steps = if self == Self::Bytes { capacity.max(1).ilog2() / 10 } else { 0 };
        let factor = 1 << (10 * steps);
        (capacity.div_ceil(factor), factor)
    }

    /// Writes a capacity as the argument has it: in the largest unit that is exact.
    #[inline]
    pub(super) fn value(self, capacity: u64) -> String {
        const SUFFIXES: [&str; 7] = ["", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let steps =
            if self == Self::Bytes && capacity > 0 { capacity.trailing_zeros() / 10 } else { 0 };
        match SUFFIXES[steps as usize] {
            "" => capacity.to_string(),
            suffix => format!("\"{}{suffix}\"", capacity >> (10 * steps)),
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
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *self == Self::Bytes { "bytes" } else { "entries" })
    }
}

#[cfg(test)]
mod tests {
    use super::Unit::{Bytes, Entries};

    #[test]
    fn a_capacity_is_written_as_it_is() {
        assert_eq!(
            [0, 1024, 1500].map(|max| Entries.setting(max)),
            ["max = 0", "max = 1024", "max = 1500"]
        );
        let written =
            [0, 1500, 10 << 10, 1 << 20, (1 << 20) + 1, 3 << 60].map(|max| Bytes.value(max));
        let expected = ["0", "1500", "\"10KiB\"", "\"1MiB\"", "1048577", "\"3EiB\""];
        assert_eq!(written, expected);
    }

    #[test]
    fn a_capacity_is_rounded_up_to_two_digits() {
        assert_eq!([0, 9, 99, 101, 3001].map(|n| Entries.rounded_up(n)), [0, 9, 99, 110, 3100]);
        assert_eq!(Bytes.value(Bytes.rounded_up(40_961)), "\"41KiB\"");
        assert_eq!(Bytes.rounded_up(u64::MAX), u64::MAX);
    }
}

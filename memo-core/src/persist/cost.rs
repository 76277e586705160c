//! What it cost to compute a stored result: a time in one byte.

use std::time::Duration;

/// The time that a computation took, if it is known. It is rounded to the nearest of four steps from each power of two
/// nanoseconds to the next, so it is off by a ninth at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost(u8);

impl Cost {
    /// The time is not known.
    pub const UNKNOWN: Self = Self(0);

    /// Returns the cost of a computation that took `time`, or [`Self::UNKNOWN`].
    #[must_use]
    pub fn of(time: Option<Duration>) -> Self {
        let Some(time) = time else { return Self::UNKNOWN };
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let exponent = nanos.ilog2();
        let half = (1_u128 << exponent) / 2;
        // 4 to 8. An 8 is the first step of the next power.
        let steps = (u128::from(nanos) * 4 + half) >> exponent;
        let byte = u128::from(exponent) * 4 + steps - 4;
        // 0 means that the time is not known.
        Self(u8::try_from(byte).unwrap_or(u8::MAX).max(1))
    }

    /// Returns the time, or `None` if it is not known.
    #[must_use]
    pub fn time(self) -> Option<Duration> {
        let quarters = u128::from(4 + self.0 % 4) << (self.0 / 4);
        let nanos = u64::try_from(quarters / 4).unwrap_or(u64::MAX);
        (self != Self::UNKNOWN).then(|| Duration::from_nanos(nanos))
    }

    pub(crate) fn to_byte(self) -> u8 {
        self.0
    }

    pub(crate) fn from_byte(byte: u8) -> Self {
        Self(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(nanos: u64) -> u64 {
        let time = Cost::of(Some(Duration::from_nanos(nanos))).time().expect("a known time");
        u64::try_from(time.as_nanos()).unwrap()
    }

    #[test]
    fn a_time_is_off_by_a_ninth_at_most() {
        for shift in 3..63 {
            for part in 0..100 {
                let nanos = (1_u64 << shift) + (1 << shift) / 100 * part;
                let off = u128::from(rounded(nanos).abs_diff(nanos));
                assert!(off * 9 <= u128::from(nanos), "{nanos} becomes {}", rounded(nanos));
            }
        }
    }

    #[test]
    fn a_rounded_time_is_not_rounded_further() {
        for byte in 8..=u8::MAX {
            let cost = Cost::from_byte(byte);
            assert_eq!(Cost::of(cost.time()), cost);
        }
    }

    #[test]
    fn the_shortest_and_the_longest_time_are_known() {
        assert_eq!((rounded(0), rounded(1)), (1, 1));
        assert_eq!(Cost::of(Some(Duration::MAX)), Cost(u8::MAX));
        assert_eq!(Cost::of(None).time(), None);
    }
}

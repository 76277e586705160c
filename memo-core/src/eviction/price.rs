//! What it costs to do without an entry, in one byte of the entry.

use std::time::Duration;

/// The time of a computation in nanoseconds, divided by the weight of its result, if the time is known. It is rounded
/// to the nearest of four steps from each power of two to the next, so it is off by a tenth at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Price(u8);

/// The steps from a power of two to the next.
const STEPS: f64 = 4.0;
/// The price of the first step is this power of two: a microsecond for a megabyte is 2^-10. That of the last is more
/// than an hour for one entry.
const FIRST: f64 = -20.0;

impl Price {
    /// The time is not known.
    pub(crate) const UNKNOWN: Self = Self(0);

    /// `weight`: 1 if entries are counted.
    pub(crate) fn of(time: Option<Duration>, weight: u64) -> Self {
        let Some(time) = time else { return Self::UNKNOWN };
        let price = (time.as_nanos() as f64).max(1.0) / weight.max(1) as f64;
        let step = ((price.log2() - FIRST) * STEPS).round().clamp(1.0, f64::from(u8::MAX));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is clamped"
        )]
        Self(step as u8)
    }

    /// Returns the number of the step, or `None` if the price is not known.
    pub(super) fn step(self) -> Option<u16> {
        (self != Self::UNKNOWN).then(|| self.0.into())
    }

    /// Returns the price at a step, which may be one behind the last.
    pub(super) fn at(step: u16) -> f64 {
        (f64::from(step) / STEPS + FIRST).exp2()
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

    #[test]
    fn a_price_is_off_by_a_tenth_at_most() {
        for weight in [1, 7, 100, 4096, 1 << 20] {
            for nanos in (1..42).flat_map(|power| [1_u64 << power, (1 << power) * 13 / 10]) {
                let exact = nanos as f64 / weight as f64;
                let step = Price::of(Some(Duration::from_nanos(nanos)), weight).step().unwrap();
                let off = Price::at(step) / exact;
                assert!((0.9..1.1).contains(&off), "{nanos} ns / {weight}: off by {off}");
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_the_first_or_the_last_step() {
        let step = |time, weight| Price::of(Some(time), weight).step();
        assert_eq!(step(Duration::ZERO, u64::MAX), Some(1));
        assert_eq!(step(Duration::MAX, 0), Some(255));
        assert_eq!(Price::of(None, 1).step(), None);
    }
}

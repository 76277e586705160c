//! Random numbers that no two processes share, also not after a fork.

use std::hash::{BuildHasher, RandomState};

use crate::platform::clock;
use crate::platform::process;

/// Returns a random number.
pub(crate) fn random() -> u64 {
    #[cfg(test)]
    if let Some(number) = seeded::next() {
        return number;
    }
    // The keys of `RandomState` are drawn once a thread and are then counted up; a child of fork has a copy of them.
    RandomState::new().hash_one((process::id(), clock::system_time()))
}

/// Returns a random number from 0 to 1.
pub(super) fn random_share() -> f64 {
    f64::from((random() >> 32) as u32) / f64::from(u32::MAX)
}

/// Returns a random number of 128 bits.
pub(crate) fn random_wide() -> u128 {
    u128::from(random()) << 64 | u128::from(random())
}

/// The random numbers of a simulation, which are the same in each run.
#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::RefCell;

    use super::super::noise::Numbers;

    thread_local! {
        static NUMBERS: RefCell<Option<Numbers>> = const { RefCell::new(None) };
    }

    /// Makes the numbers of this thread follow from `seed`.
    pub(crate) fn begin(seed: u64) {
        NUMBERS.set(Some(Numbers::new(seed)));
    }

    pub(super) fn next() -> Option<u64> {
        NUMBERS.with_borrow_mut(|numbers| numbers.as_mut().map(Numbers::next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_comes_twice() {
        let mut numbers: Vec<_> = (0..10_000).map(|_| random_wide()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 10_000);
    }
}

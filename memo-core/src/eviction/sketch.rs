//! Estimates how often keys were used lately, held or not, in three bytes for each entry of a full cache. (A count-min
//! sketch with conservative updates and ageing, as in Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache
//! Admission Policy", ACM Transactions on Storage 13:4, 2017.)

/// Each key has one counter for each of these multipliers; the lowest of the counters is the estimate.
const MULTIPLIERS: [u32; 3] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d];

/// Counters have four bits.
const COUNTERS_PER_WORD: usize = 16;
const MAX_COUNT: u64 = 15;
/// The highest bit of each counter is left out.
const HALVED: u64 = 0x7777_7777_7777_7777;

const COUNTERS_PER_ENTRY: usize = 6;
/// The least number of counters, 2 KiB. With fewer, keys that are used once fill all of them.
const MIN_COUNTERS: usize = 4096;

/// After as many uses for each entry, all counts are halved, so that the past counts less.
const USES_PER_ENTRY: usize = 10;
/// The least number of uses before that. A small cache sees too few uses in the time of ten of its fillings.
const MIN_USES: usize = 2000;

pub(crate) struct Sketch {
    words: Box<[u64]>,
    /// The uses that were counted since all counts were halved, and half of those before.
    uses: usize,
    /// When there are so many uses, all counts are halved.
    period: usize,
}

impl Sketch {
    /// Makes one that takes no memory and cannot count.
    #[inline]
    pub(crate) fn empty() -> Self {
        Self { words: Box::default(), uses: 0, period: 0 }
    }

    /// Makes one for a cache of `len` entries.
    #[inline]
    pub(crate) fn new(len: usize) -> Self {
        let counters = (COUNTERS_PER_ENTRY * len).max(MIN_COUNTERS);
        Self {
            words: vec![0; counters / COUNTERS_PER_WORD].into(),
            uses: 0,
            period: (USES_PER_ENTRY * len).max(MIN_USES),
        }
    }

    /// Returns its size in bytes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Returns how often the key with this hash was used, at most 15.
    #[inline]
    pub(crate) fn estimate(&self, hash: u32) -> u64 {
        let counts = self.places(hash).map(|(word, shift)| self.words[word] >> shift & MAX_COUNT);
        counts.into_iter().min().unwrap_or(0)
    }

    /// Counts uses of a key.
    #[inline]
    pub(crate) fn add(&mut self, hash: u32, uses: u64) {
        if uses == 0 {
            return;
        }
        let raised = (self.estimate(hash) + uses).min(MAX_COUNT);
        for (word, shift) in self.places(hash) {
            let word = &mut self.words[word];
            if *word >> shift & MAX_COUNT < raised {
                *word = *word & !(MAX_COUNT << shift) | raised << shift;
            }
        }
        self.uses += usize::try_from(uses).unwrap_or(0);
        if self.uses >= self.period {
            self.halve();
        }
    }

    #[inline]
    #[cold]
    fn halve(&mut self) {
        self.uses /= 2;
        self.words.iter_mut().for_each(|word| *word = *word >> 1 & HALVED);
    }

    /// Returns the word and the lowest bit of each counter of a key.
    #[inline]
    fn places(&self, hash: u32) -> [(usize, usize); MULTIPLIERS.len()] {
        let counters = (self.words.len() * COUNTERS_PER_WORD) as u64;
        MULTIPLIERS.map(|multiplier| {
            let place = (u64::from(hash.wrapping_mul(multiplier)) * counters) >> 32;
            let place = usize::try_from(place).unwrap_or(0);
            (place / COUNTERS_PER_WORD, place % COUNTERS_PER_WORD * 4)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_exact_for_few_keys_and_end_at_fifteen() {
        let mut sketch = Sketch::new(100);
        for key in 0..40_u32 {
            sketch.add(key.wrapping_mul(0x0101_6b25), u64::from(key));
        }
        for key in 0..40_u32 {
            let hash = key.wrapping_mul(0x0101_6b25);
            assert_eq!(sketch.estimate(hash), u64::from(key).min(15));
        }
    }

    #[test]
    fn no_estimate_is_too_low_before_counts_are_halved() {
        let mut sketch = Sketch::new(1000);
        for round in 1..=3 {
            for key in 0..3000_u32 {
                sketch.add(key.wrapping_mul(0x0101_6b25), 1);
            }
            for key in 0..3000_u32 {
                assert!(sketch.estimate(key.wrapping_mul(0x0101_6b25)) >= round);
            }
        }
    }

    #[test]
    fn old_uses_count_half() {
        let mut sketch = Sketch::new(10);
        sketch.add(7, 8);
        (0..MIN_USES as u64 - 8).for_each(|_| sketch.add(9, 1));
        assert_eq!((sketch.estimate(7), sketch.estimate(9), sketch.uses), (4, 7, MIN_USES / 2));
    }
}

//! A histogram of stack distances, with buckets of 0.4 % of the distance.

/// The buckets of a range from a power of two to the next. Smaller numbers have a bucket each.
const PER_OCTAVE: u64 = 256;

/// How many references had which distance, and how often their keys were used before.
#[derive(Default)]
pub(super) struct Histogram(Vec<[f64; 2]>);

impl Histogram {
    #[inline]
    pub(super) fn add(&mut self, distance: u64, count: f64, uses: f64) {
        let bucket = bucket(distance);
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, [0.0; 2]);
        }
        self.0[bucket][0] += count;
        self.0[bucket][1] += uses;
    }

    /// Returns the bytes that it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.0.capacity() * size_of::<[f64; 2]>()
    }

    /// Makes older references count half.
    #[inline]
    pub(super) fn halve(&mut self) {
        self.0.iter_mut().flatten().for_each(|number| *number /= 2.0);
    }

    /// Passes on the largest distance of each bucket that is not empty, in ascending order, with its numbers.
    #[inline]
    pub(super) fn for_each(&self, mut each: impl FnMut(u64, f64, f64)) {
        for (bucket, &[count, uses]) in self.0.iter().enumerate() {
            if count > 0.0 {
                each(largest(bucket), count, uses);
            }
        }
    }
}

/// Returns the bucket of a distance.
#[inline]
fn bucket(distance: u64) -> usize {
    let octave = distance.max(PER_OCTAVE).ilog2() - PER_OCTAVE.ilog2();
    let bucket = u64::from(octave) * PER_OCTAVE + (distance >> octave);
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// Returns the largest distance in a bucket.
#[inline]
fn largest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let octave = (bucket / PER_OCTAVE).saturating_sub(1);
    let shifted = bucket - octave * PER_OCTAVE;
    // That of the last bucket is the largest number.
    ((shifted + 1) << octave).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_and_are_narrow() {
        let mut next = 0;
        for at in 0..bucket(u64::MAX) {
            let last = largest(at);
            assert_eq!((bucket(next), bucket(last)), (at, at));
            assert!(last - next <= next / PER_OCTAVE, "{next} to {last}");
            next = last + 1;
        }
        assert_eq!(largest(bucket(u64::MAX)), u64::MAX);
    }
}

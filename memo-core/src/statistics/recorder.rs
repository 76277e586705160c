//! Records times for a histogram, from many threads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::histogram::{BUCKETS, Histogram, bucket_of};

/// Buckets are allocated by so many, which is a sixteenfold range of times.
const BLOCK: usize = 16;
const BLOCKS: usize = BUCKETS.div_ceil(BLOCK);

/// The times of one kind of event. Until the first it has no memory of its own; then it takes some 200 bytes, and 128
/// for each sixteenfold range of times that occur.
#[derive(Default)]
pub(crate) struct Recorder(OnceLock<Box<Times>>);

#[derive(Default)]
struct Times {
    blocks: [OnceLock<Box<[AtomicU64; BLOCK]>>; BLOCKS],
    nanos: AtomicU64,
    max_nanos: AtomicU64,
}

impl Recorder {
    #[cold]
    pub(crate) fn record(&self, nanos: u64) {
        let times = self.0.get_or_init(Box::default);
        let bucket = bucket_of(nanos);
        // Before the bucket, so that a histogram with a time has a maximum that is not below it.
        times.max_nanos.fetch_max(nanos, Relaxed);
        times.nanos.fetch_add(nanos, Relaxed);
        let block = times.blocks[bucket / BLOCK].get_or_init(Box::default);
        block[bucket % BLOCK].fetch_add(1, Relaxed);
    }

    /// Returns the times so far.
    pub(crate) fn histogram(&self) -> Histogram {
        let Some(times) = self.0.get() else { return Histogram::default() };
        let count = |bucket: usize| {
            times.blocks[bucket / BLOCK]
                .get()
                .map_or(0, |block| block[bucket % BLOCK].load(Relaxed))
        };
        let counts: Vec<u64> = (0..BUCKETS).map(count).collect();
        let (nanos, max) = (times.nanos.load(Relaxed), times.max_nanos.load(Relaxed));
        Histogram::new(counts.into_iter(), nanos, max)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn recorded(times: &[u64]) -> Histogram {
        let recorder = Recorder::default();
        times.iter().for_each(|nanos| recorder.record(*nanos));
        recorder.histogram()
    }

    /// Draws times of every magnitude, the same in each run.
    fn drawn(seed: u64, count: usize) -> Vec<u64> {
        let mut random = seed;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            random >> 11
        };
        (0..count).map(|_| next() >> (next() % 53)).collect()
    }

    fn share(at: usize) -> f64 {
        [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0][at]
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "a rank, and small numbers")]
    fn quantiles_are_within_the_stated_error() {
        for seed in 1..40 {
            let mut times = drawn(seed, 1 + 37 * seed as usize);
            let histogram = recorded(&times);
            times.sort_unstable();
            for at in 0..8 {
                let rank = (share(at) * times.len() as f64).ceil().max(1.0) as usize;
                let exact = times[rank - 1] as f64;
                let found = histogram.quantile(share(at)).unwrap().as_nanos() as f64;
                // The last bucket is told by the maximum alone.
                let is_last = exact >= (1_u64 << 45) as f64;
                let error = (found - exact).abs();
                assert!(is_last || error <= 64.0 || error <= 0.12 * exact, "{found} {exact}");
            }
            let sum: u64 = times.iter().sum();
            assert_eq!(histogram.count(), times.len() as u64);
            assert_eq!(histogram.sum(), Duration::from_nanos(sum));
            assert_eq!(histogram.max(), times.last().map(|max| Duration::from_nanos(*max)));
        }
    }

    #[test]
    fn each_edge_of_a_bucket_is_within_the_stated_error() {
        for bits in 6..45 {
            for part in 4_u64..8 {
                let edge = part << (bits - 2);
                for nanos in [edge - 1, edge, edge + 1] {
                    let longest = 1 << 50;
                    let found = recorded(&[nanos, longest]).quantile(0.5).unwrap().as_nanos();
                    let error = found.abs_diff(u128::from(nanos)) as f64;
                    assert!(error <= (0.12 * nanos as f64).max(64.0), "{found} {nanos}");
                }
            }
        }
    }

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        let empty = Histogram::default();
        assert_eq!((empty.p50(), empty.p99(), empty.max(), empty.mean()), (None, None, None, None));
        assert_eq!((empty.count(), empty.sum(), empty.is_empty()), (0, Duration::ZERO, true));
        assert_eq!(recorded(&[]), empty);
        let one = recorded(&[1_000_000]);
        assert_eq!(one.since(&one), empty);
    }

    #[test]
    fn a_difference_has_the_later_times_alone() {
        let (first, second) = (drawn(3, 200), drawn(4, 300));
        let recorder = Recorder::default();
        first.iter().for_each(|nanos| recorder.record(*nanos));
        let earlier = recorder.histogram();
        second.iter().for_each(|nanos| recorder.record(*nanos));
        let (left, alone) = (recorder.histogram().since(&earlier), recorded(&second));
        assert_eq!(left.buckets().collect::<Vec<_>>(), alone.buckets().collect::<Vec<_>>());
        assert_eq!((left.sum(), left.p50()), (alone.sum(), alone.p50()));
        // The longest time came before, so only the bucket of the longest since is known.
        recorder.record(5 << 40);
        let earlier = recorder.histogram();
        recorder.record(1000);
        let max = recorder.histogram().since(&earlier).max().unwrap();
        assert!((1000..=1250).contains(&max.as_nanos()), "{max:?}");
    }

    #[test]
    fn times_of_many_threads_are_all_recorded() {
        let recorder = Recorder::default();
        thread::scope(|scope| {
            for seed in 0..4 {
                let recorder = &recorder;
                scope.spawn(move || {
                    drawn(seed, 5000).iter().for_each(|nanos| recorder.record(*nanos));
                });
            }
        });
        let all: Vec<u64> = (0..4).flat_map(|seed| drawn(seed, 5000)).collect();
        assert_eq!(recorder.histogram(), recorded(&all));
    }

    #[test]
    fn a_recorder_takes_memory_for_what_occurs_only() {
        assert!(size_of::<Recorder>() <= 16 && size_of::<Times>() <= 200);
        let recorder = Recorder::default();
        assert!(recorder.0.get().is_none());
        recorder.record(5_000);
        let blocks = &recorder.0.get().unwrap().blocks;
        assert_eq!(blocks.iter().filter(|block| block.get().is_some()).count(), 1);
    }
}

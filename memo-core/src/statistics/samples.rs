//! The calls of a cache over time.

use std::collections::VecDeque;
use std::time::SystemTime;

/// How many samples of a cache are kept.
pub(crate) const KEPT: usize = 360;

/// The counters of a cache at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When it was taken.
    pub(crate) at: SystemTime,
    /// Calls that did not compute, since the process began.
    pub(crate) hits: u64,
    /// Calls that computed, since the process began.
    pub(crate) misses: u64,
    /// The number of entries at that time.
    pub(crate) entries: u64,
}

/// The latest samples of one cache, the oldest first.
#[derive(Default)]
pub(crate) struct Samples(VecDeque<Sample>);

impl Samples {
    pub(crate) fn add(&mut self, sample: Sample) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    pub(crate) fn all(&self) -> Vec<Sample> {
        self.0.iter().copied().collect()
    }
}

/// Returns the share of hits among the calls between two samples. `None`: there were none.
pub(crate) fn hit_ratio(earlier: &Sample, later: &Sample) -> Option<f64> {
    let hits = later.hits.saturating_sub(earlier.hits);
    let calls = hits + later.misses.saturating_sub(earlier.misses);
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    (calls > 0).then(|| hits as f64 / calls as f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(second: u64, hits: u64, misses: u64) -> Sample {
        Sample {
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
            hits,
            misses,
            entries: 0,
        }
    }

    #[test]
    fn the_latest_are_kept() {
        let mut samples = Samples::default();
        (0..1000).for_each(|second| samples.add(sample(second, second, 0)));
        let hits: Vec<_> = samples.all().iter().map(|sample| sample.hits).collect();
        assert_eq!(hits, (1000 - KEPT as u64..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_ratio_is_that_of_the_calls_between() {
        assert_eq!(hit_ratio(&sample(0, 10, 10), &sample(1, 13, 11)), Some(0.75));
        assert_eq!(hit_ratio(&sample(0, 10, 10), &sample(1, 10, 10)), None);
    }
}

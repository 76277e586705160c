//! Samples of the counters of all caches, taken at regular times.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use crate::function::any_cache::AnyCache;
use crate::handle::registry::{all, number};
use crate::platform::clock::{self, Instant};
use crate::platform::maintenance::{CACHES, Maintain, Registration};
use crate::platform::sync::usual::Mutex;
use crate::statistics::samples::{Sample, Samples};

/// A longer interval counts as this one: a year. No point in time is too far away then.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Takes the samples. It lives as long as the process.
struct Sampler {
    registration: Registration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None`: no samples are taken.
    interval: Option<Duration>,
    /// When the next ones are due. `None`: now.
    next: Option<Instant>,
    /// By the numbers of the caches.
    samples: HashMap<usize, Samples>,
}

static SAMPLER: LazyLock<Arc<Sampler>> = LazyLock::new(|| {
    Arc::new(Sampler { registration: Registration::new(), state: Mutex::new(State::default()) })
});

/// From now on, notes the hits, misses and entries of every cache at this interval, for the chart in
/// [`Report::to_html`](crate::statistics::report::Report::to_html). The background thread does so, in whole seconds.
/// The latest 360 samples of a cache are kept, which take 14 KiB. Another call changes the interval; zero ends it and
/// frees the samples. Without this call nothing is sampled.
pub fn sample_every(interval: Duration) {
    let interval = Some(interval.min(LONGEST)).filter(|interval| !interval.is_zero());
    let mut state = SAMPLER.state.lock();
    (state.interval, state.next) = (interval, None);
    if interval.is_none() {
        state.samples = HashMap::new();
    }
    drop(state);
    if interval.is_some() {
        let sampler: Weak<dyn Maintain> = Arc::<Sampler>::downgrade(&SAMPLER);
        SAMPLER.registration.begin(&CACHES, || sampler);
        // The first sample does not wait, and a child of fork does not have the thread of its parent.
        CACHES.wake(Duration::ZERO);
    }
}

/// Returns the samples of a cache.
pub(super) fn samples(cache: &'static dyn AnyCache) -> Vec<Sample> {
    SAMPLER.state.lock().samples.get(&number(cache)).map(Samples::all).unwrap_or_default()
}

impl Sampler {
    fn is_needed(&self) -> bool {
        self.state.lock().interval.is_some()
    }
}

impl State {
    /// Reports whether samples are due now, and if so, sets when the next ones are.
    fn is_due(&mut self, now: Instant) -> bool {
        let Some(interval) = self.interval else { return false };
        let is_due = self.next.is_none_or(|next| next <= now);
        if is_due {
            // Not from `now`, so that they do not come later and later; but what was missed is not made up for.
            let next = self.next.unwrap_or(now) + interval;
            self.next = Some(if next > now { next } else { now + interval });
        }
        is_due
    }
}

impl Maintain for Sampler {
    fn tick(&self) -> bool {
        if !self.is_needed() {
            return self.registration.end_unless(|| self.is_needed());
        }
        if self.state.lock().is_due(clock::instant()) {
            let taken: Vec<_> =
                all().into_iter().map(|cache| (number(cache), cache.sample())).collect();
            let mut state = self.state.lock();
            if state.interval.is_none() {
                // They were freed meanwhile.
                return true;
            }
            for (cache, sample) in taken {
                state.samples.entry(cache).or_default().add(sample);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_due_at_the_interval_and_not_made_up_for() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut state = State { interval: Some(Duration::from_secs(10)), ..State::default() };
        let due: Vec<u64> = [0, 1, 9, 10, 11, 21, 29, 30, 95, 96, 104, 105]
            .into_iter()
            .filter(|second| state.is_due(at(*second)))
            .collect();
        assert_eq!(due, [0, 10, 21, 30, 95, 105]);
        assert!(!State::default().is_due(at(0)));
    }
}

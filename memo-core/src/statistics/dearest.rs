//! The entries of a cache that took longest to compute.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::details::TOLD;
use crate::platform::sync::usual::Mutex;

/// The keys whose computations took longest, each once with its longest. A computation that is not among them costs one
/// comparison.
#[derive(Default)]
pub(crate) struct Dearest {
    /// What a computation has to exceed. Zero until there are enough.
    least_nanos: AtomicU64,
    /// By falling times.
    found: Mutex<Vec<(Duration, Box<[u8]>)>>,
}

impl Dearest {
    /// Notes a computation that took `time` of its own, if it is among the dearest. `key` returns its key, if that is
    /// still known.
    pub(crate) fn note(&self, time: Duration, key: impl FnOnce() -> Option<Vec<u8>>) {
        if nanos(time) > self.least_nanos.load(Relaxed) {
            if let Some(key) = key() {
                self.insert(time, key);
            }
        }
    }

    #[cold]
    fn insert(&self, time: Duration, key: Vec<u8>) {
        let mut found = self.found.lock();
        if let Some(known) = found.iter().position(|(_, known)| **known == *key) {
            if found[known].0 >= time {
                return;
            }
            found.remove(known);
        }
        let at = found.partition_point(|(known, _)| *known >= time);
        found.insert(at, (time, key.into()));
        found.truncate(TOLD);
        let least = found.get(TOLD - 1).map_or(0, |(time, _)| nanos(*time));
        self.least_nanos.store(least, Relaxed);
    }

    /// Returns the times and the keys.
    pub(crate) fn all(&self) -> Vec<(Duration, Box<[u8]>)> {
        self.found.lock().clone()
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_are_kept_and_each_key_once() {
        let dearest = Dearest::default();
        for n in 0..100_u64 {
            // A permutation of 0 to 100.
            let n = n * 37 % 101;
            dearest.note(Duration::from_millis(n), || Some(vec![n as u8]));
        }
        dearest.note(Duration::from_millis(98), || Some(vec![100]));
        dearest.note(Duration::from_millis(101), || Some(vec![99]));
        dearest.note(Duration::from_secs(1), || None);
        let mut asked = false;
        dearest.note(Duration::from_millis(1), || {
            asked = true;
            None
        });
        assert!(!asked, "the key of a computation that is cheap is not needed");
        let all: Vec<_> =
            dearest.all().iter().map(|(time, key)| (time.as_millis(), key[0])).collect();
        let times: Vec<_> = all.iter().map(|(time, _)| *time).collect();
        assert_eq!(all.len(), TOLD);
        assert!(times.is_sorted_by(|one, other| one >= other), "{all:?}");
        assert_eq!(all[..2], [(101, 99), (100, 100)], "the longest of a key counts");
    }
}

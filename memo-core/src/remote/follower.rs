//! The caches whose entries came from a tier or went there.

use std::collections::HashMap;
use std::sync::Weak;
use std::time::Duration;

use super::name::Part;
use crate::platform::sync::usual::Mutex;

/// A cache that follows what happens in a tier.
pub(crate) trait Follower: Send + Sync {
    /// Removes what was changed from memory.
    fn forget(&self, part: &Part);

    /// Removes everything from memory.
    fn forget_all(&self);

    /// Called each second while changes do not reach this process, with the number of this time without a connection
    /// and how long it lasts.
    fn is_cut_off(&self, epoch: u64, since: Duration);
}

/// The caches that follow a tier, by the beginning of the names of their entries.
#[derive(Default)]
pub(super) struct Followers(Mutex<HashMap<String, Vec<Weak<dyn Follower>>>>);

impl Followers {
    pub(super) fn add(&self, prefix: &str, follower: Weak<dyn Follower>) {
        let mut all = self.0.lock();
        let same = all.entry(prefix.to_owned()).or_default();
        same.retain(|follower| follower.strong_count() > 0);
        same.push(follower);
    }

    /// Passes on what was changed below `prefix`.
    pub(super) fn forget(&self, prefix: &str, part: &Part) {
        let same = self.0.lock().get(prefix).cloned();
        same.iter().flatten().filter_map(Weak::upgrade).for_each(|follower| follower.forget(part));
    }

    pub(super) fn for_each(&self, act: impl Fn(&dyn Follower)) {
        let all: Vec<_> = self.0.lock().values().flatten().cloned().collect();
        all.iter().filter_map(Weak::upgrade).for_each(|follower| act(&*follower));
    }
}

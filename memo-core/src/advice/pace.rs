//! How fast the count of uses advances in a miniature: as in the cache, of which it has only some of the uses.

use super::{float, rounded};
use crate::eviction::steps::{EXACT, STEPS_PER_SHARD, slack};
use crate::eviction::uses::MAX_USES;

/// Two stamps differ by at least this if they are of different steps. The bits below count uses.
const STEP: u64 = MAX_USES + 1;

#[derive(Default)]
pub(super) struct Pace {
    steps: f64,
    steps_per_use: f64,
    /// An entry is not stamped again until so many steps later.
    slack: u64,
}

impl Pace {
    /// Takes the number of entries that the cache has room for, how many uses of the cache there are for each here, and
    /// whether entries were evicted.
    #[inline]
    pub(super) fn set(&mut self, room: f64, scale: f64, evicts: bool) {
        let is_exact = room <= float(EXACT as u64);
        let share = usize::try_from(rounded(room)).unwrap_or(usize::MAX);
        self.slack = slack(share, is_exact, evicts) as u64 * STEP;
        let uses = if is_exact { 1.0 } else { room / float(STEPS_PER_SHARD as u64) + 1.0 };
        self.steps_per_use = scale / uses;
    }

    /// Counts an insertion, and stamps its entry, which keeps its count of uses.
    #[inline]
    pub(super) fn replace(&mut self, stamp: &mut u64) {
        self.steps += self.steps_per_use;
        *stamp = self.now() | (*stamp % STEP);
    }

    /// Stamps an entry that was used, unless that is too early, and counts the use.
    #[inline]
    pub(super) fn stamp(&mut self, stamp: &mut u64) {
        let now = self.now();
        if *stamp + self.slack < now {
            *stamp = now | (*stamp % STEP + 1).min(MAX_USES);
            self.steps += self.steps_per_use;
        }
    }

    #[inline]
    fn now(&self) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole steps")]
        let steps = self.steps as u64;
        (steps + 1) * STEP
    }
}

//! Estimates the hit ratio of each capacity from a sample of the keys: SHARDS with a fixed size (Waldspurger, Park,
//! Garthwaite, Ahmad, "Efficient MRC construction with SHARDS", FAST 15).
//!
//! A key is sampled if its hash is below a threshold, so of a sampled key every reference is seen. Once there are too
//! many keys, the threshold is lowered. A sampled reference stands for as many as the threshold leaves out.
//!
//! Time is divided into windows. At the end of one the past begins to count half, and keys that it did not see leave.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::histogram::Histogram;
use super::ladder::{Held, Ladder};
use super::miniature::{Miniature, Reference};
use super::references::References;
use super::spread::Spread;
use super::stack::Stack;
use super::{float, rounded};
use crate::eviction::policy::Policy;
use crate::eviction::price::Price;
use crate::platform::clock::Millis;
use crate::platform::sort::sort_by_number;

/// The largest number of sampled keys: what a table of 32,768 slots has room for. With it, an estimator takes 2 MiB.
pub(super) const MAX_KEYS: usize = 28_000;

/// The keys that remain when the threshold is lowered.
const KEPT_KEYS: usize = MAX_KEYS / 8 * 7;

/// The slots of the stack: at first, and at most.
const MIN_SLOTS: usize = 512;
const MAX_SLOTS: usize = 65_536;

/// A weight counts as no more than this, so that the sum over all sampled keys is a number of 64 bits.
const MAX_AMOUNT: u64 = u64::MAX / (MAX_KEYS as u64 + 1);

/// A window ends after this many sampled references, or so many calls as have that many samples at most.
pub(super) const WINDOW: u64 = 1 << 20;

/// After a window sampling pauses until no more than one call in this many was sampled.
pub(super) const PAUSE: u64 = 128;

/// The same if miniatures make a sample dearer.
pub(super) const SIMULATED_PAUSE: u64 = 2048;

/// A key that is not in the stack has one of these in place of a slot. `REMOVED`: its next reference is a miss in a
/// cache of any size. `UNKNOWN`: that is not known, because it may have been used during a pause.
const REMOVED: u32 = u32::MAX;
const UNKNOWN: u32 = u32::MAX - 1;

/// What the estimator knows of a sampled key. As small as can be, because there are many.
#[derive(Clone, Copy)]
struct Known {
    /// When the value ends that a cache without bounds would have.
    expires: Millis,
    /// What it takes in a cache.
    amount: u64,
    price: Price,
    slot: u32,
    /// The time of the last reference, in ticks.
    used: u32,
    /// The number of its references, of which those of former windows count less.
    count: u32,
    /// Whether a reference of this window is among them.
    is_recent: bool,
    /// Whether that value is being computed, so that it is not known how long it lives.
    is_computed: bool,
}

impl Known {
    #[inline]
    fn is_in_stack(&self) -> bool {
        self.slot < UNKNOWN
    }
}

/// The time of a reference, and how long entries live.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) now: Millis,
    pub(crate) ttl: Millis,
    pub(crate) idle: Millis,
}

impl Times {
    /// Returns the time in ticks of 64 ms. It wraps around after nine years.
    #[inline]
    fn ticks(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "wraps around")]
        let ticks = (self.now >> 6) as u32;
        ticks
    }

    #[inline]
    fn have_ended(self, known: &Known) -> bool {
        let unused_ticks = u64::from(self.ticks().wrapping_sub(known.used));
        known.expires <= self.now || unused_ticks > self.idle >> 6
    }
}

/// The keys below the threshold, their stack, and the histogram of their distances.
pub(super) struct Estimator {
    keys: HashMap<u64, Known, BuildHasherDefault<Spread>>,
    stack: Stack,
    distances: Histogram,
    /// Miniatures of the cache.
    ladder: Ladder,
    references: References,
    threshold: u64,
    /// How many references each sampled one stands for.
    scale: f64,
    /// Whether an entry takes one place, and not its weight.
    counts_entries: bool,
    /// The sampled references of this window, and of all.
    in_window: u64,
    sampled: u64,
    /// The number of calls at the beginning of this window.
    calls_before: u64,
    /// The calls of former windows, of which the older count less.
    former_calls: f64,
}

impl Estimator {
    #[inline]
    pub(super) fn new(counts_entries: bool, policy: Policy) -> Self {
        Self {
            keys: HashMap::default(),
            stack: Stack::new(MIN_SLOTS),
            distances: Histogram::default(),
            ladder: Ladder::new(policy, counts_entries),
            references: References::default(),
            threshold: u64::MAX,
            scale: 1.0,
            counts_entries,
            in_window: 0,
            sampled: 0,
            calls_before: 0,
            former_calls: 0.0,
        }
    }

    /// Takes the bound of the cache, now or from now on.
    pub(super) fn set_bound(&mut self, bound: Option<u64>) {
        self.ladder.set_bound(bound, self.sampled > 0);
    }

    /// Returns the number below which the hash of a sampled key is.
    #[inline]
    pub(super) fn threshold(&self) -> u64 {
        self.threshold
    }

    /// Returns the number of sampled references.
    #[inline]
    pub(super) fn sampled(&self) -> u64 {
        self.sampled
    }

    /// Takes a reference of a key below the threshold.
    #[inline]
    pub(super) fn reference(&mut self, hash: u64, times: Times) {
        self.sampled += 1;
        self.in_window += 1;
        let before = self.keys.get(&hash).copied();
        let lasting = self.count(before, times);
        if let Some(known) = before.filter(Known::is_in_stack) {
            self.stack.remove(known.slot, known.amount);
        }
        let (expires, is_computed) = lasting
            .map_or((times.now.saturating_add(times.ttl), true), |known| {
                (known.expires, known.is_computed)
            });
        let amount = before.map_or_else(|| self.usual_amount(), |known| known.amount);
        let price = before.map_or(Price::UNKNOWN, |known| known.price);
        let count = before.map_or(0, |known| known.count).saturating_add(1);
        let is_known = before.is_none_or(|known| known.slot != UNKNOWN);
        let is_lasting = lasting.is_some() || !is_known;
        let reference = Reference { hash, amount, price, count: count - 1, is_lasting, is_known };
        self.ladder.reference(reference);
        let (slot, used, is_recent) = (REMOVED, times.ticks(), true);
        self.put(hash, Known { expires, amount, price, slot, used, count, is_recent, is_computed });
    }

    /// Counts a reference. Returns what is known of its key, if a cache without bounds has the value.
    #[inline]
    fn count(&mut self, before: Option<Known>, times: Times) -> Option<Known> {
        let (scale, references) = (self.scale, &mut self.references);
        let Some(known) = before else {
            references.first.add(scale, 0.0);
            return None;
        };
        let uses = scale * f64::from(known.count);
        match known.slot {
            REMOVED => references.removed.add(scale, uses),
            UNKNOWN => references.unknown.add(scale, uses),
            _ if times.have_ended(&known) => references.expired.add(scale, uses),
            slot => {
                references.repeated.add(scale, uses);
                let distance = known.amount.saturating_add(self.scaled(self.stack.above(slot)));
                self.distances.add(distance, scale, uses);
                return Some(known);
            }
        }
        None
    }

    /// Takes what is known of the value of a key that a cache now has: when it expires, its weight, and its price.
    #[inline]
    pub(super) fn kept(
        &mut self,
        hash: u64,
        times: Times,
        expires: Millis,
        (weight, price): (u64, Price),
    ) {
        let amount = if self.counts_entries { 1 } else { weight.min(MAX_AMOUNT) };
        match self.keys.get_mut(&hash) {
            Some(known) if known.is_in_stack() => {
                self.stack.change(known.slot, known.amount, amount);
                (known.amount, known.price) = (amount, price);
                self.ladder.miniatures().for_each(|rung| rung.weigh(hash, amount, price));
                if std::mem::take(&mut known.is_computed) {
                    known.expires = expires;
                }
            }
            // No call has asked for it: it was inserted by hand.
            before => {
                let count = before.map_or(0, |known| known.count);
                self.ladder.miniatures().for_each(|rung| rung.insert(hash, amount, price, 0));
                let (slot, used, is_recent, is_computed) = (REMOVED, times.ticks(), true, false);
                self.put(
                    hash,
                    Known { expires, amount, price, slot, used, count, is_recent, is_computed },
                );
            }
        }
    }

    /// Takes a key away: its next reference is a miss in a cache of any size.
    #[inline]
    pub(super) fn forget(&mut self, hash: u64) {
        if let Some(known) = self.keys.get_mut(&hash) {
            if known.is_in_stack() {
                self.stack.remove(known.slot, known.amount);
            }
            known.slot = REMOVED;
        }
        self.ladder.miniatures().for_each(|rung| rung.remove(hash));
    }

    /// Does the same for all keys.
    #[inline]
    pub(super) fn forget_all(&mut self) {
        self.keys.values_mut().for_each(|known| known.slot = REMOVED);
        self.ladder.miniatures().for_each(Miniature::clear);
        self.rebuild();
    }

    /// Returns whether it is time to look whether the window has ended. The number of calls is not known here.
    #[inline]
    pub(super) fn is_check_due(&self) -> bool {
        self.in_window % 4096 == 0
    }

    /// Ends the window if it is long enough, and begins the next. `calls`: the number of calls so far. Returns how many
    /// calls there must be before sampling goes on, if it is to pause.
    #[inline]
    pub(super) fn end_window(&mut self, calls: u64) -> Option<u64> {
        let in_window = calls.saturating_sub(self.calls_before);
        if self.in_window < WINDOW && in_window < WINDOW * self.pause() {
            return None;
        }
        self.former_calls = (self.former_calls + float(in_window)) / 2.0;
        self.references.halve();
        self.distances.halve();
        self.ladder.miniatures().for_each(Miniature::halve);
        let resumes_at = Some(self.sampled.saturating_mul(self.pause())).filter(|at| calls < *at);
        self.retain(|_, known| known.is_recent);
        for known in self.keys.values_mut() {
            known.is_recent = false;
            known.count /= 2;
            if resumes_at.is_some() {
                known.slot = UNKNOWN;
            }
        }
        self.raise_threshold();
        self.rebuild();
        self.begin_window(calls);
        resumes_at
    }

    #[inline]
    fn pause(&self) -> u64 {
        if self.ladder.is_simulated() { SIMULATED_PAUSE } else { PAUSE }
    }

    /// Returns the number of calls at the beginning of the window, or at the end of the last one during a pause.
    #[inline]
    pub(super) fn calls_before(&self) -> u64 {
        self.calls_before
    }

    /// Begins a window after a pause.
    #[inline]
    pub(super) fn begin_window(&mut self, calls: u64) {
        self.in_window = 0;
        self.calls_before = calls;
    }

    /// Returns the references by kind, and another policy with the share of them that would hit by it. Passes capacities
    /// in ascending order to `each`, with the number of references that hit there. `calls`: the number of calls so far.
    /// `lost`: the share of the sampled references that did not come here.
    #[inline]
    pub(super) fn curve(
        &self,
        calls: u64,
        lost: f64,
        each: &mut dyn FnMut(u64, f64),
    ) -> (References, Option<(&'static str, f64)>) {
        let mut references = self.references;
        // The number of calls is known. The sample has too many references if a frequent key is in it, and too few if
        // it is not. So what is missing is divided as the references of frequent keys are: the regression estimator of
        // a total, with the number of references as the auxiliary variable. (SHARDS-adj takes the shortest distance.)
        let share = if self.scale > 1.0 {
            let all = self.former_calls + float(calls.saturating_sub(self.calls_before));
            (all * (1.0 - lost) - references.sampled()) / references.uses().max(1.0)
        } else {
            0.0
        };
        references.adjust(share);
        let rival = self.rival(&references, share);
        if self.ladder.is_simulated() {
            let all = (self.scaled(self.stack.total()), references.repeated.count);
            self.ladder.curve(references.known(), all, each);
        } else {
            self.by_recency(share, each);
        }
        (references, rival)
    }

    /// Passes distances in ascending order to `each` with the number of references that have at most each. `share`: see
    /// [`References::adjust`].
    fn by_recency(&self, share: f64, each: &mut dyn FnMut(u64, f64)) {
        let (mut sum, mut highest) = (0.0, 0.0_f64);
        self.distances.for_each(|distance, count, uses| {
            // The parts may be negative where a frequent key is in the sample. Their sum is right.
            sum += count + share * uses;
            highest = highest.max(sum);
            each(distance, highest);
        });
    }

    /// Returns another policy and the share of the references that would hit by it within the bound of the cache.
    fn rival(&self, references: &References, share: f64) -> Option<(&'static str, f64)> {
        let (known, bound) = (references.known(), self.ladder.bound()?);
        let (policy, hits) = match self.ladder.policy() {
            Policy::Lru => ("adaptive", self.ladder.rival_hits(known)?),
            Policy::Adaptive(_) => {
                let mut hits = 0.0;
                self.by_recency(share, &mut |distance, sum| {
                    if distance <= bound {
                        hits = sum;
                    }
                });
                ("lru", hits)
            }
            // It may have fewer hits than others, and save more time.
            Policy::Cost(_) => return None,
        };
        Some((policy, (hits / known.max(1.0)).clamp(0.0, 1.0)))
    }

    /// Puts a key on top of the stack. It is not in the stack before.
    #[inline]
    fn put(&mut self, hash: u64, known: Known) {
        if self.stack.is_full() {
            if let Some(before) = self.keys.get_mut(&hash) {
                before.slot = REMOVED;
            }
            self.rebuild();
        }
        let slot = self.stack.push(known.amount);
        self.keys.insert(hash, Known { slot, ..known });
        if self.keys.len() > MAX_KEYS {
            self.lower_threshold();
        }
        self.extend_ladder();
    }

    /// Adds the miniatures that are due.
    #[inline]
    fn extend_ladder(&mut self) {
        while self.ladder.is_due(self.keys.len(), self.scaled(self.stack.total())) {
            let in_stack = self.keys.iter().filter(|(_, known)| known.is_in_stack());
            let mut in_stack: Vec<(&u64, &Known)> = in_stack.collect();
            sort_by_number(&mut in_stack, |(_, known)| known.slot.into());
            let held = in_stack.into_iter().map(|(hash, known)| {
                let Known { amount, price, count, .. } = *known;
                Held { hash: *hash, amount, price, count }
            });
            let held: Vec<Held> = held.collect();
            let (known, hits) = (self.references.all_known(), self.references.repeated);
            self.ladder.extend(&held, self.threshold, known, hits);
        }
    }

    #[inline]
    #[cold]
    fn lower_threshold(&mut self) {
        let mut hashes: Vec<u64> = self.keys.keys().copied().collect();
        let (_, &mut threshold, _) = hashes.select_nth_unstable(KEPT_KEYS);
        self.set_threshold(threshold);
        self.retain(|hash, _| hash < threshold);
        self.rebuild();
    }

    /// Raises the threshold as far as half the room is left, so that the sample does not stay small when the keys
    /// change.
    #[inline]
    fn raise_threshold(&mut self) {
        let room = MAX_KEYS / 2 / self.keys.len().max(1);
        self.set_threshold(self.threshold.saturating_mul(room.max(1) as u64));
    }

    /// Keeps some of the keys. They move to a new table: one from which many were removed would soon grow.
    #[inline]
    fn retain(&mut self, is_kept: impl Fn(u64, &Known) -> bool) {
        let keys = std::mem::take(&mut self.keys);
        self.keys.reserve(keys.len());
        self.keys.extend(keys.into_iter().filter(|(hash, known)| is_kept(*hash, known)));
    }

    #[inline]
    fn set_threshold(&mut self, threshold: u64) {
        self.threshold = threshold;
        self.scale = float(u64::MAX) / float(threshold.max(1));
        let usual = self.usual_amount();
        self.ladder.miniatures().for_each(|rung| rung.set_threshold(threshold, usual));
    }

    /// Builds the stack again, of the keys that are in it, with as much room again.
    #[inline]
    #[cold]
    fn rebuild(&mut self) {
        let mut in_stack: Vec<&mut Known> =
            self.keys.values_mut().filter(|known| known.is_in_stack()).collect();
        sort_by_number(&mut in_stack, |known| known.slot.into());
        let slots = (2 * in_stack.len()).next_power_of_two().clamp(MIN_SLOTS, MAX_SLOTS);
        self.stack = Stack::new(slots);
        for known in in_stack {
            known.slot = self.stack.push(known.amount);
        }
    }

    /// Returns what a key takes whose weight is not known.
    #[inline]
    fn usual_amount(&self) -> u64 {
        if self.counts_entries {
            return 1;
        }
        self.stack.total() / self.keys.len().max(1) as u64
    }

    /// Returns an amount of the sample as one of all keys.
    #[inline]
    fn scaled(&self, amount: u64) -> u64 {
        rounded(float(amount) * self.scale)
    }
}

#[cfg(test)]
impl Estimator {
    /// Returns the number of sampled keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns the bytes that it takes.
    pub(super) fn size(&self) -> usize {
        // A table has a byte of its own for each slot, and an eighth of the slots stays empty.
        let slots = self.keys.capacity() / 7 * 8;
        let table = slots * (size_of::<(u64, Known)>() + 1);
        let curve = self.stack.size() + self.distances.size() + self.ladder.size();
        table + curve + size_of::<Self>()
    }
}

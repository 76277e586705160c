//! Miniatures of the cache. Of a policy that is not LRU they give the curve: each is about a third larger than the one
//! before. There are more of them just below what all values take, where a policy may do worse than with less room: a
//! loop that almost fits returns so soon that it looks like use by recency. Beside LRU there is one, of the policy that
//! adapts, at the present bound.

use super::miniature::{Miniature, Reference};
use super::references::{ENOUGH, Tally};
use super::{float, rounded};
use crate::eviction::policy::Policy;
use crate::eviction::price::Price;

/// The most miniatures. The largest has about 500 times the capacity of the smallest.
const MAX_RUNGS: usize = 26;

/// A new miniature is larger than the one before by one part in so many.
const PART: u64 = 14;

/// So many are that close. Of the smaller ones, only one in as many stays.
const CLOSE: usize = 4;

/// The first miniature is for the capacity that so many sampled keys take.
const FIRST: usize = 8;

/// The parts of the line from one miniature to the next. The line rises no more than a step of the curve in most.
const PARTS: u32 = 32;

/// What is known of a key whose value a cache without bounds has.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub(super) hash: u64,
    pub(super) amount: u64,
    pub(super) price: Price,
    pub(super) count: u32,
}

pub(super) struct Ladder {
    rungs: Vec<Miniature>,
    /// Of the policy that adapts, if that of the cache is LRU.
    rival: Option<Miniature>,
    /// The bound of the cache.
    bound: Option<u64>,
    /// Whether the bound was another one before.
    has_changed: bool,
    /// How many miniatures were made.
    made: usize,
    policy: Policy,
    counts_entries: bool,
    /// The capacity of the next miniature. As long as all values take no more, it would be like a cache without bounds.
    next: Option<u64>,
}

impl Ladder {
    #[inline]
    pub(super) fn new(policy: Policy, counts_entries: bool) -> Self {
        Self {
            rungs: Vec::new(),
            rival: None,
            bound: None,
            has_changed: false,
            made: 0,
            policy,
            counts_entries,
            next: None,
        }
    }

    /// Returns whether the curve is that of the miniatures.
    #[inline]
    pub(super) fn is_simulated(&self) -> bool {
        !matches!(self.policy, Policy::Lru)
    }

    /// Takes the bound of the cache, now or from now on. `is_used`: whether there were references before.
    pub(super) fn set_bound(&mut self, bound: Option<u64>, is_used: bool) {
        if self.bound != bound {
            self.rival = None;
            self.has_changed |= is_used;
            self.bound = bound;
        }
    }

    /// Returns whether a miniature is missing. `keys`: the number of sampled keys. `used`: what all values take in a
    /// cache without bounds.
    #[inline]
    pub(super) fn is_due(&mut self, keys: usize, used: u64) -> bool {
        if self.is_simulated() && self.next.is_none() && keys >= FIRST {
            self.next = Some(used);
        }
        match self.is_simulated() {
            true => self.next.is_some_and(|next| used > next),
            false => self.rival.is_none() && self.bound.is_some_and(|bound| used > bound),
        }
    }

    /// Adds the next miniature. `held`: the keys that it has, in the order of their last use. `known`, `hits`: see
    /// [`Miniature::new`].
    #[inline]
    pub(super) fn extend(&mut self, held: &[Held], threshold: u64, known: Tally, hits: Tally) {
        if !self.is_simulated() {
            let Some(bound) = self.bound else { return };
            // Of the references before a bound was changed it is not known which would have hit.
            let tallies = if self.has_changed { [Tally::default(); 2] } else { [known, hits] };
            self.rival = Some(self.miniature(Policy::adaptive(), bound, held, threshold, tallies));
            return;
        }
        let Some(capacity) = self.next else { return };
        self.next = Some(capacity.saturating_add(capacity.div_ceil(PART)));
        self.made += 1;
        self.thin_out();
        let rung = self.miniature(self.policy, capacity, held, threshold, [known, hits]);
        self.rungs.push(rung);
    }

    fn miniature(
        &self,
        policy: Policy,
        capacity: u64,
        held: &[Held],
        threshold: u64,
        [known, hits]: [Tally; 2],
    ) -> Miniature {
        let mut made = Miniature::new(policy, capacity, self.counts_entries, known, hits);
        let amounts = held.iter().fold(0_u64, |sum, key| sum.saturating_add(key.amount));
        made.set_threshold(threshold, amounts / held.len().max(1) as u64);
        for key in held {
            made.insert(key.hash, key.amount, key.price, key.count.saturating_sub(1));
        }
        made
    }

    /// Removes a miniature that is close to others and no more among the largest, and the smallest if there are too many.
    #[inline]
    fn thin_out(&mut self) {
        let len = self.rungs.len();
        if self.made > CLOSE && self.made % CLOSE != 0 {
            self.rungs.remove(len - CLOSE);
        }
        if self.rungs.len() == MAX_RUNGS {
            self.rungs.remove(0);
        }
    }

    #[inline]
    pub(super) fn miniatures(&mut self) -> impl Iterator<Item = &mut Miniature> {
        self.rungs.iter_mut().chain(&mut self.rival)
    }

    #[inline]
    pub(super) fn reference(&mut self, reference: Reference) {
        self.miniatures().for_each(|rung| rung.reference(reference));
    }

    /// Returns how many of the `known` references hit by the policy that adapts, if that of the cache is LRU and
    /// enough is known.
    pub(super) fn rival_hits(&self, known: f64) -> Option<f64> {
        let rival = self.rival.as_ref().filter(|rival| rival.knows(ENOUGH))?;
        Some(rival.hits_of(known).1)
    }

    /// Returns the bound of the cache.
    pub(super) fn bound(&self) -> Option<u64> {
        self.bound
    }

    pub(super) fn policy(&self) -> Policy {
        self.policy
    }

    /// Passes capacities in ascending order to `each`, with the number of `known` references that hit there. `all`: the
    /// capacity and the hits of a cache that never evicts.
    #[inline]
    pub(super) fn curve(&self, known: f64, all: (u64, f64), each: &mut dyn FnMut(u64, f64)) {
        let (mut before, mut last) = ((0, 0.0), (0, 0.0));
        for rung in &self.rungs {
            let next = rung.hits_of(known);
            line(last, next, &mut *each);
            (before, last) = (last, next);
        }
        // A cache may need room for all to hit much more often than one with a little less, if all come in turn. So the
        // last line goes on as the one before, where that is lower.
        let rise = (last.1 - before.1).max(0.0) / float((last.0 - before.0).max(1));
        let reached = last.1 + rise * float(all.0.saturating_sub(last.0));
        line(last, (all.0.saturating_sub(1), all.1.min(reached)), &mut *each);
        each(all.0, all.1);
    }

    /// Returns the bytes that it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.rungs.iter().chain(&self.rival).map(Miniature::size).sum()
    }
}

/// Passes on the points of a line, without its start.
#[inline]
fn line(from: (u64, f64), to: (u64, f64), each: &mut dyn FnMut(u64, f64)) {
    let width = float(to.0.saturating_sub(from.0));
    for part in 1..=PARTS {
        let share = f64::from(part) / f64::from(PARTS);
        each(from.0 + rounded(width * share), from.1 + (to.1 - from.1) * share);
    }
}

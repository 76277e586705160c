//! The bounds on a cache's entries and on the sum of their weights: insertions take what there is room for, or make it.

use super::Cache;
use super::gauge::Load;
use super::limbo::Freed;
use super::node::Node;
use super::shard::{Known, Locked, Shard};
use crate::clock;

/// What an insertion has taken of the bounds.
struct Room {
    promised: bool,
    known: Option<Known>,
    /// Both a place, its own or that of the one before, and the weight.
    fits: bool,
}

/// What an insertion has not.
#[derive(Clone, Copy)]
enum Lack {
    Place,
    Weight(u64),
}

impl Lack {
    /// How much of it there is in `load`.
    fn of(self, load: Load) -> u64 {
        match self {
            Self::Place => load.entries as u64,
            Self::Weight(_) => load.bytes,
        }
    }
}

/// Rounds in which an insertion may find neither room nor anything to evict, all being taken by insertions under way.
const FRUITLESS: usize = 100;

impl<H: Clone> Cache<H> {
    /// Inserts `node` if `allowed` says so under the lock, within the bounds; says whether it was inserted. If they
    /// cannot hold it, what it would have replaced goes too.
    pub(super) fn place(
        &self,
        hash: u64,
        node: Node<H>,
        mut allowed: impl FnMut(&mut Locked<'_, H>) -> bool,
    ) -> (bool, Option<Freed<H>>) {
        let weight = node.shared().weight();
        let (mut shard, mut room) = self.make_room(hash, &node);
        let known = room.known.take();
        let before = known.as_ref().map_or(0, |known| known.weight);
        let allowed = allowed(&mut shard);
        if allowed && room.fits {
            // The place of the one before is this one's.
            self.gauge.release_places(usize::from(room.promised && known.is_some()));
            if self.life.idles() {
                self.shard(hash).tick(clock::now());
            }
            shard.insert(hash, node, known.as_ref());
            let swept = shard.sweep(&self.life);
            self.gauge.release(swept);
            // The bound may have been lowered since a place was promised.
            if self.gauge.exceeded() {
                self.gauge.release(shard.evict());
            }
        } else {
            self.gauge.release_places(usize::from(room.promised));
            if room.fits {
                self.gauge.take_back(before, weight);
            } else if allowed {
                self.gauge.release(shard.remove(hash, node.shared().key()));
            }
        }
        // What is freed is dropped with no lock held: it runs its owner's `Drop`.
        let waste = shard.waste();
        let crowded = shard.waits();
        drop(shard);
        if crowded {
            // Some reader was interrupted, or is slow: give it time, or dead entries gather.
            std::thread::yield_now();
        }
        (allowed && room.fits, waste)
    }

    /// Takes a place and the weight of `node` within the bounds, evicting for them what was not used for longest. From
    /// then on its shard is locked.
    fn make_room(&self, hash: u64, node: &Node<H>) -> (Locked<'_, H>, Room) {
        let weight = node.shared().weight();
        let mut promised = self.gauge.promise();
        let mut fruitless = 0;
        let mut shard = self.shard(hash).lock();
        loop {
            let known = shard.known(hash, node.shared().key(), &self.life);
            let has_place = promised || known.is_some();
            let before = known.as_ref().map_or(0, |known| known.weight);
            if !self.gauge.admits(weight) || fruitless == FRUITLESS {
                return (shard, Room { promised, known, fits: false });
            }
            if has_place && self.gauge.exchange(before, weight) {
                return (shard, Room { promised, known, fits: true });
            }
            let lacks = if has_place { Lack::Weight(weight) } else { Lack::Place };
            let mut evicted = self.evict_from_own(&mut shard, lacks);
            if evicted.entries == 1 && !self.gauge.weighs() {
                // Its place goes to this one, and the shard was locked all the time.
                return (shard, Room { promised: true, known: None, fits: true });
            }
            if evicted.is_none() {
                drop(shard);
                evicted = self.evict_anywhere(lacks);
                if evicted.is_none() {
                    fruitless += 1;
                    std::thread::yield_now();
                    promised = promised || self.gauge.promise();
                }
                shard = self.shard(hash).lock();
            }
            if !has_place && !evicted.is_none() {
                // Its place goes to this one.
                promised = true;
                evicted.entries -= 1;
            }
            self.gauge.release(evicted);
        }
    }

    /// Evicts one entry, unless the shard holds far less than its share: after a bound was lowered, or for a heavy one.
    fn evict_from_own(&self, shard: &mut Locked<'_, H>, lacks: Lack) -> Load {
        let (own, all) = (lacks.of(shard.load()), lacks.of(self.gauge.load()));
        let share = all / (2 * self.shards.len() as u64);
        if own < share { Load::default() } else { shard.evict() }
    }

    /// Evicts from the fullest shard, or from any: one entry for a place; for a weight as many, but no more than half of
    /// what that shard holds at once.
    fn evict_anywhere(&self, lacks: Lack) -> Load {
        let evict = |shard: &Shard<H>| {
            self.change(shard, |shard| {
                let half = lacks.of(shard.load()) / 2;
                let mut sum = shard.evict();
                while let Lack::Weight(wanted) = lacks
                    && sum.bytes < wanted.min(half)
                {
                    sum += shard.evict();
                }
                sum
            })
        };
        let fullest = self.shards.iter().max_by_key(|shard| lacks.of(shard.lock().load()));
        let evicted = fullest.map(evict).filter(|evicted| !evicted.is_none());
        let mut others = self.shards.iter().map(evict);
        evicted.or_else(|| others.find(|evicted| !evicted.is_none())).unwrap_or_default()
    }

    /// Changes a shard, and frees what that took out, or soon after.
    pub(super) fn change<R>(
        &self,
        shard: &Shard<H>,
        change: impl FnOnce(&mut Locked<'_, H>) -> R,
    ) -> R {
        let mut locked = shard.lock();
        let result = change(&mut locked);
        let waste = locked.all_waste();
        drop(locked);
        drop(waste);
        Self::await_readers(shard);
        result
    }

    /// Gives those a moment who are still looking at what was taken out, since nothing may come by later that would.
    pub(super) fn await_readers(shard: &Shard<H>) {
        const MOMENT: usize = 8;
        for _ in 0..MOMENT {
            let mut locked = shard.lock();
            let waste = locked.retry();
            let waits = locked.waits();
            drop(locked);
            drop(waste);
            if !waits {
                break;
            }
            std::thread::yield_now();
        }
    }

    /// Changes the bound on entries, and evicts what is above it.
    pub(crate) fn set_max(&self, max: usize) {
        self.gauge.set_max(max);
        self.shards.iter().for_each(|shard| shard.set_share(max / self.shards.len()));
        self.trim();
    }

    /// Changes the bound on the sum of weights, and evicts what is above it; false where nothing is weighed.
    pub(crate) fn set_max_bytes(&self, max: u64) -> bool {
        let weighed = self.gauge.set_max_bytes(max);
        // Who took a weight within the former bound did so under a lock, and is seen after it.
        self.shards.iter().for_each(|shard| drop(shard.lock()));
        self.trim();
        weighed
    }

    fn trim(&self) {
        let mut shards = self.shards.iter().cycle();
        let mut empty = 0;
        while self.gauge.exceeded() && empty < self.shards.len() {
            let Some(shard) = shards.next() else { break };
            let evicted = shard.lock().evict();
            empty = if evicted.is_none() { empty + 1 } else { 0 };
            self.gauge.release(evicted);
        }
        self.shards.iter().for_each(|shard| self.change(shard, |_| ()));
    }
}

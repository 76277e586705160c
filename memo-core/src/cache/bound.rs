//! The bounds on a cache's entries and on the sum of their weights: insertions take what there is room for, or make it.

use super::gauge::Load;
use super::life::Life;
use super::node::Node;
use super::shard::{Known, Locked, Shard};
use super::{Cache, Finished, Fresh};
use crate::clock;
use crate::flight::Claim;

/// What is to be inserted.
pub(super) enum Coming<H> {
    /// What a claim led to.
    Claimed(Claim, Fresh<H>),
    /// What recovery found.
    Found(Node<H>),
}

/// How it stands with that.
enum Stand {
    /// The claim is void.
    Void,
    /// There is no entry of its key.
    New,
    /// It takes the place of one.
    Successor(Known),
}

impl<H> Coming<H> {
    fn weight(&self) -> u64 {
        match self {
            Self::Claimed(_, fresh) => fresh.weight.unwrap_or_default(),
            Self::Found(node) => node.shared().weight(),
        }
    }

    #[inline(always)]
    fn stand(&self, hash: u64, shard: &Locked<'_, H>, life: &Life) -> Stand {
        let known = match self {
            Self::Found(node) => shard.known(hash, node.shared().key(), life),
            Self::Claimed(claim, _) => match shard.standing(*claim) {
                None => return Stand::Void,
                Some(claimed) if !claimed.succeeds => None,
                Some(claimed) => shard.known(hash, claimed.draft.key(), life),
            },
        };
        known.map_or(Stand::New, Stand::Successor)
    }
}

/// What an insertion has taken of the bounds.
pub(super) struct Room {
    promised: bool,
    stand: Stand,
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
    /// Inserts what comes, within the bounds, unless it is void. If they cannot hold it, what it would have replaced
    /// goes too.
    // All of one piece: what is handed on here is larger than registers, and a copy of what was just written waits.
    #[inline(always)]
    pub(super) fn place(&self, hash: u64, coming: Coming<H>) -> Finished<H> {
        let (shard, room) = self.make_room(hash, &coming);
        self.settle(hash, coming, shard, room)
    }

    /// Inserts what comes if there is room for it.
    #[inline(always)]
    pub(super) fn settle(
        &self,
        hash: u64,
        coming: Coming<H>,
        mut shard: Locked<'_, H>,
        room: Room,
    ) -> Finished<H> {
        let Room { promised, stand, fits } = room;
        let known = match stand {
            Stand::Successor(known) => Some(known),
            Stand::New | Stand::Void => None,
        };
        // What is left of these is dropped with no lock held, as is all that is freed: that runs its owner's `Drop`.
        let (mut node, mut void, mut flight, mut pending) = (None, None, None, None);
        match coming {
            Coming::Found(found) => {
                if let Some(claimed) = shard.claims().find(hash, found.shared().key()) {
                    claimed.succeeds = true;
                }
                node = Some(found);
            }
            Coming::Claimed(claim, fresh) => match shard.claims().end(claim) {
                Some(claimed) => {
                    (flight, pending) = (claimed.flight, claimed.pending);
                    node = Some(claimed.draft.fill(fresh));
                }
                None => void = Some(fresh),
            },
        }
        match node.take_if(|_| fits) {
            Some(node) => self.put(&mut shard, hash, node, known, promised),
            None => {
                self.gauge.release_places(usize::from(promised));
                self.gauge.release(shard.remove(known));
            }
        }
        let waste = shard.waste();
        let crowded = shard.waits();
        drop(shard);
        drop((node, void));
        if crowded {
            // Some reader was interrupted, or is slow: give it time, or dead entries gather.
            std::thread::yield_now();
        }
        Finished { kept: fits, flight, waste: (waste, pending) }
    }

    /// The bounds have room for it: its own, or that of the one that is `known`.
    fn put(
        &self,
        shard: &mut Locked<'_, H>,
        hash: u64,
        node: Node<H>,
        known: Option<Known>,
        promised: bool,
    ) {
        self.gauge.release_places(usize::from(promised && known.is_some()));
        if self.life.idles() {
            self.shard(hash).tick(clock::now());
        }
        shard.insert(hash, node, known);
        self.gauge.release(shard.sweep(&self.life));
        // The bound may have been lowered since a place was promised.
        if self.gauge.exceeded() {
            self.gauge.release(shard.evict());
        }
    }

    /// Takes a place and the weight of what comes within the bounds, evicting for them what was not used for longest.
    /// From then on its shard is locked.
    #[inline(always)]
    pub(super) fn make_room(&self, hash: u64, coming: &Coming<H>) -> (Locked<'_, H>, Room) {
        let promised = self.gauge.promise();
        let mut shard = self.shard(hash).lock();
        if !self.gauge.weighs() && self.gauge.admits(0) {
            let stand = coming.stand(hash, &shard, &self.life);
            let fits = match stand {
                Stand::Void => Some(false),
                Stand::New if promised => Some(true),
                // Its place goes to this one, and the shard is locked all the time.
                Stand::New => {
                    (self.evict_from_own(&mut shard, Lack::Place).entries == 1).then_some(true)
                }
                Stand::Successor(_) => Some(true),
            };
            if let Some(fits) = fits {
                let promised = promised || fits && matches!(stand, Stand::New);
                return (shard, Room { promised, stand, fits });
            }
        }
        self.make_more_room(hash, coming, shard, promised)
    }

    /// The same where it takes more, or entries are weighed.
    #[inline(never)]
    fn make_more_room<'c>(
        &'c self,
        hash: u64,
        coming: &Coming<H>,
        mut shard: Locked<'c, H>,
        mut promised: bool,
    ) -> (Locked<'c, H>, Room) {
        let weight = coming.weight();
        let mut fruitless = 0;
        loop {
            let stand = coming.stand(hash, &shard, &self.life);
            let (has_place, before) = match &stand {
                Stand::Void => return (shard, Room { promised, stand, fits: false }),
                Stand::New => (promised, 0),
                Stand::Successor(known) => (true, known.weight),
            };
            if !self.gauge.admits(weight) || fruitless == FRUITLESS {
                return (shard, Room { promised, stand, fits: false });
            }
            if has_place && self.gauge.exchange(before, weight) {
                return (shard, Room { promised, stand, fits: true });
            }
            let lacks = if has_place { Lack::Weight(weight) } else { Lack::Place };
            let mut evicted = self.evict_from_own(&mut shard, lacks);
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
                let goal = match lacks {
                    Lack::Place => 0,
                    Lack::Weight(wanted) => wanted.min(half),
                };
                let mut sum = shard.evict();
                while sum.bytes < goal {
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

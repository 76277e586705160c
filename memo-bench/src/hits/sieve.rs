//! SIEVE: a queue in the order of insertion, and a hand that moves from the oldest to the newest id. The hand spares an
//! id that was requested since it passed, and evicts the first other. (Zhang et al., "SIEVE is Simpler than LRU: an
//! Efficient Turn-Key Eviction Algorithm for Web Caches", NSDI 24.)

use super::trace::Trace;

/// A slot of the queue. Slots of evicted ids are skipped, and removed by and by.
struct Slot {
    id: u32,
    is_used: bool,
}

struct Sieve {
    /// In the order of insertion.
    queue: Vec<Option<Slot>>,
    /// By id: its place in the queue.
    places: Vec<Option<usize>>,
    hand: usize,
    cached: usize,
}

pub(crate) fn hits(trace: &Trace, capacity: usize) -> usize {
    let mut sieve = Sieve { queue: Vec::new(), places: vec![None; trace.ids], hand: 0, cached: 0 };
    let hit = |id: &&u32| {
        let is_hit = sieve.use_cached(**id);
        if !is_hit {
            if sieve.cached == capacity {
                sieve.evict();
            }
            sieve.insert(**id);
        }
        is_hit
    };
    trace.requests.iter().filter(hit).count()
}

impl Sieve {
    fn use_cached(&mut self, id: u32) -> bool {
        let slot = self.places[id as usize].and_then(|place| self.queue[place].as_mut());
        slot.map(|slot| slot.is_used = true).is_some()
    }

    fn insert(&mut self, id: u32) {
        if self.queue.len() > 2 * self.cached + 64 {
            self.compact();
        }
        self.places[id as usize] = Some(self.queue.len());
        self.queue.push(Some(Slot { id, is_used: false }));
        self.cached += 1;
    }

    fn evict(&mut self) {
        loop {
            // After the newest comes the oldest, and not one that is inserted meanwhile.
            let next = (self.hand + 1) % self.queue.len();
            let slot = &mut self.queue[std::mem::replace(&mut self.hand, next)];
            match slot {
                Some(slot) if slot.is_used => slot.is_used = false,
                Some(Slot { id, .. }) => {
                    self.places[*id as usize] = None;
                    *slot = None;
                    self.cached -= 1;
                    return;
                }
                None => (),
            }
        }
    }

    /// Removes the slots of evicted ids. The hand stays where it is.
    fn compact(&mut self) {
        let passed = self.queue[..self.hand].iter().flatten().count();
        self.queue.retain(Option::is_some);
        self.hand = passed % self.cached.max(1);
        for (place, slot) in self.queue.iter().flatten().enumerate() {
            self.places[slot.id as usize] = Some(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_requested_since_the_hand_passed_is_spared() {
        let trace =
            |requests: &[u32]| Trace { name: String::new(), requests: requests.to_vec(), ids: 5 };
        // 0 is spared and 1 evicted, then 2.
        assert_eq!(hits(&trace(&[0, 1, 2, 0, 3, 0]), 3), 2);
        assert_eq!(hits(&trace(&[0, 1, 2, 0, 3, 4, 0, 3, 4]), 3), 4);
        assert_eq!(hits(&trace(&[0, 1, 2, 0, 3, 1]), 3), 1);
        assert_eq!(hits(&trace(&[0, 0, 1, 1, 0]), 1), 2);
        // The hand evicts 1, the newest, and comes to 0.
        assert_eq!(hits(&trace(&[0, 1, 0, 2, 3, 2]), 2), 2);
    }
}

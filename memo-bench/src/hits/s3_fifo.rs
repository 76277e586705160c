//! S3-FIFO: new ids wait in a small queue. Those that are requested twice meanwhile, or again soon after they left it,
//! come into the main queue, where a requested id is put behind the others once more. (Yang et al., "FIFO queues are
//! all you need for cache eviction", SOSP 23.)

use std::collections::VecDeque;

use super::trace::Trace;

/// Requests are counted up to this.
const MAX_USES: u8 = 3;

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Nowhere,
    Cached,
    /// Left the small queue, as the ghost of this number.
    Ghost(usize),
}

struct S3Fifo {
    capacity: usize,
    /// The room of the small queue, in ids.
    room: usize,
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    /// The ids that left the small queue last, as many as the main queue has room for, and the number of the first.
    ghosts: VecDeque<u32>,
    first_ghost: usize,
    places: Vec<Place>,
    uses: Vec<u8>,
}

pub(crate) fn hits(trace: &Trace, capacity: usize) -> usize {
    let mut cache = S3Fifo {
        capacity,
        room: (capacity / 10).max(1),
        small: VecDeque::new(),
        main: VecDeque::new(),
        ghosts: VecDeque::new(),
        first_ghost: 0,
        places: vec![Place::Nowhere; trace.ids],
        uses: vec![0; trace.ids],
    };
    trace.requests.iter().filter(|id| cache.request(**id)).count()
}

impl S3Fifo {
    /// Returns whether it is a hit.
    fn request(&mut self, id: u32) -> bool {
        let uses = &mut self.uses[id as usize];
        let place = std::mem::replace(&mut self.places[id as usize], Place::Cached);
        if place == Place::Cached {
            *uses = (*uses + 1).min(MAX_USES);
            return true;
        }
        *uses = 0;
        while self.small.len() + self.main.len() >= self.capacity {
            self.evict();
        }
        let queue = if place == Place::Nowhere { &mut self.small } else { &mut self.main };
        queue.push_back(id);
        false
    }

    /// Evicts an id, unless all ids of the small queue come into the main queue.
    fn evict(&mut self) {
        if self.small.len() < self.room && !self.main.is_empty() {
            return self.evict_from_main();
        }
        while let Some(id) = self.small.pop_front() {
            if std::mem::take(&mut self.uses[id as usize]) < 2 {
                return self.remember(id);
            }
            self.main.push_back(id);
        }
    }

    fn evict_from_main(&mut self) {
        while let Some(id) = self.main.pop_front() {
            let uses = &mut self.uses[id as usize];
            if *uses == 0 {
                self.places[id as usize] = Place::Nowhere;
                return;
            }
            *uses -= 1;
            self.main.push_back(id);
        }
    }

    fn remember(&mut self, id: u32) {
        self.places[id as usize] = Place::Ghost(self.first_ghost + self.ghosts.len());
        self.ghosts.push_back(id);
        while self.ghosts.len() > self.capacity - self.room {
            let Some(forgotten) = self.ghosts.pop_front() else { break };
            let place = &mut self.places[forgotten as usize];
            if *place == Place::Ghost(self.first_ghost) {
                *place = Place::Nowhere;
            }
            self.first_ghost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(requests: &[u32]) -> Trace {
        Trace { name: String::new(), requests: requests.to_vec(), ids: 30 }
    }

    #[test]
    fn ids_that_come_once_do_not_evict_one_that_came_back() {
        // 0 leaves the small queue and comes back into the main queue.
        let mut requests: Vec<_> = (0..11).chain([0]).collect();
        requests.extend(11..30);
        requests.push(0);
        assert_eq!(hits(&trace(&requests), 10), 1);
    }

    #[test]
    fn what_fits_is_never_evicted() {
        let twice: Vec<_> = (0..10).chain(0..10).collect();
        assert_eq!(hits(&trace(&twice), 10), 10);
        assert_eq!(hits(&trace(&[0, 0, 1, 1, 0]), 1), 2);
    }
}

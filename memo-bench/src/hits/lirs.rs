//! LIRS: an id is kept by the time between its last two requests. Most room is of ids for which it is short; one in a
//! hundred places is of the others. (Jiang and Zhang, "LIRS: An Efficient Low Inter-reference Recency Set Replacement
//! Policy", SIGMETRICS 02.)

use std::collections::BTreeMap;

use super::trace::Trace;

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Nowhere,
    /// Its last two requests were close.
    Close,
    /// They were not.
    Apart,
    /// Not cached. When it was requested last is remembered.
    Ghost,
}

/// Ids by the number of their last request, or of their last move.
type Ordered = BTreeMap<usize, u32>;

struct Lirs {
    capacity: usize,
    /// The room for close ids.
    room: usize,
    close: Ordered,
    apart: Ordered,
    ghosts: Ordered,
    places: Vec<Place>,
    /// By id: the number of its last request, and its key in `apart`.
    requested: Vec<usize>,
    moved: Vec<usize>,
    now: usize,
}

pub(crate) fn hits(trace: &Trace, capacity: usize) -> usize {
    let mut cache = Lirs {
        capacity,
        room: (capacity - (capacity / 100).max(1)).max(1),
        close: Ordered::new(),
        apart: Ordered::new(),
        ghosts: Ordered::new(),
        places: vec![Place::Nowhere; trace.ids],
        requested: vec![0; trace.ids],
        moved: vec![0; trace.ids],
        now: 0,
    };
    trace.requests.iter().filter(|id| cache.request(**id)).count()
}

impl Lirs {
    /// Returns whether it is a hit.
    fn request(&mut self, id: u32) -> bool {
        self.now += 1;
        let at = id as usize;
        let before = std::mem::replace(&mut self.requested[at], self.now);
        // An id that was requested since the oldest close one was is closer than that one.
        let oldest = self.close.first_key_value().map_or(0, |(requested, _)| *requested);
        let place = self.places[at];
        match place {
            Place::Close => drop(self.close.remove(&before)),
            Place::Apart => drop(self.apart.remove(&self.moved[at])),
            Place::Ghost => drop(self.ghosts.remove(&before)),
            Place::Nowhere => (),
        }
        let is_hit = matches!(place, Place::Close | Place::Apart);
        if !is_hit && self.close.len() + self.apart.len() >= self.capacity {
            self.evict();
        }
        let fits = !is_hit && self.close.len() < self.room;
        if fits || place == Place::Close || place != Place::Nowhere && before > oldest {
            self.places[at] = Place::Close;
            self.close.insert(self.now, id);
        } else {
            self.set_apart(id);
        }
        if self.close.len() > self.room
            && let Some((_, oldest)) = self.close.pop_first()
        {
            self.now += 1;
            self.set_apart(oldest);
        }
        is_hit
    }

    fn set_apart(&mut self, id: u32) {
        self.places[id as usize] = Place::Apart;
        self.moved[id as usize] = self.now;
        self.apart.insert(self.now, id);
    }

    fn evict(&mut self) {
        let evicted = self.apart.pop_first().or_else(|| self.close.pop_first());
        let Some((_, id)) = evicted else { return };
        self.places[id as usize] = Place::Ghost;
        self.ghosts.insert(self.requested[id as usize], id);
        if self.ghosts.len() > 2 * self.capacity
            && let Some((_, forgotten)) = self.ghosts.pop_first()
        {
            self.places[forgotten as usize] = Place::Nowhere;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;

    #[test]
    fn a_loop_that_does_not_fit_keeps_most_of_what_fits() {
        let requests = Access::Once.order(100, 1000, 1);
        let trace = Trace { name: String::new(), requests, ids: 100 };
        assert_eq!(super::super::lru::hits(&trace, 50), 0);
        // 49 close ids in each of nine rounds after the first.
        assert_eq!(hits(&trace, 50), 441);
    }

    #[test]
    fn what_fits_is_never_evicted() {
        let requests = Access::Zipf.order(100, 5000, 7);
        let trace = Trace { name: String::new(), requests, ids: 100 };
        let distinct: std::collections::HashSet<_> = trace.requests.iter().collect();
        assert_eq!(hits(&trace, 100), 5000 - distinct.len());
    }
}

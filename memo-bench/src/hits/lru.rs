//! Exact LRU: the model that memokit's approximation is compared with.

use super::trace::Trace;

const NONE: u32 = u32::MAX;

/// A doubly linked list through the ids, from the most to the least recently used.
struct Lru {
    /// By id: the id used next after it and the id used last before it. `None` for an id that is not cached.
    links: Vec<Option<[u32; 2]>>,
    first: u32,
    last: u32,
    cached: usize,
}

pub(crate) fn hits(trace: &Trace, capacity: usize) -> usize {
    let mut lru = Lru { links: vec![None; trace.ids], first: NONE, last: NONE, cached: 0 };
    let hit = |id: &&u32| {
        let cached = lru.remove(**id);
        if !cached && lru.cached == capacity {
            lru.remove(lru.last);
        }
        lru.put_first(**id);
        cached
    };
    trace.requests.iter().filter(hit).count()
}

impl Lru {
    /// Removes an id. Returns whether it was cached.
    fn remove(&mut self, id: u32) -> bool {
        let Some([later, earlier]) = self.links[id as usize].take() else { return false };
        match later {
            NONE => self.first = earlier,
            later => self.link(later)[1] = earlier,
        }
        match earlier {
            NONE => self.last = later,
            earlier => self.link(earlier)[0] = later,
        }
        self.cached -= 1;
        true
    }

    fn put_first(&mut self, id: u32) {
        match self.first {
            NONE => self.last = id,
            first => self.link(first)[0] = id,
        }
        self.links[id as usize] = Some([NONE, self.first]);
        self.first = id;
        self.cached += 1;
    }

    fn link(&mut self, id: u32) -> &mut [u32; 2] {
        self.links[id as usize].as_mut().expect("a neighbour in the list is cached")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;

    #[test]
    fn the_least_recently_used_id_is_evicted() {
        let trace =
            |requests: &[u32]| Trace { name: String::new(), requests: requests.to_vec(), ids: 4 };
        assert_eq!(hits(&trace(&[0, 1, 0, 2, 0, 1]), 2), 2);
        assert_eq!(hits(&trace(&[0, 1, 2, 0, 1, 2, 3, 2]), 3), 4);
        assert_eq!(hits(&trace(&[0, 0, 1, 1, 0]), 1), 2);
    }

    #[test]
    fn hits_are_those_of_a_searched_list() {
        let requests = Access::Zipf.order(100, 5000, 7);
        let trace = Trace { name: String::new(), requests, ids: 100 };
        for capacity in [1, 7, 50, 100] {
            let mut list: Vec<u32> = Vec::new();
            let hit = |id: &&u32| {
                let at = list.iter().position(|cached| cached == *id);
                if let Some(at) = at {
                    list.remove(at);
                }
                list.insert(0, **id);
                list.truncate(capacity);
                at.is_some()
            };
            assert_eq!(hits(&trace, capacity), trace.requests.iter().filter(hit).count());
        }
    }
}

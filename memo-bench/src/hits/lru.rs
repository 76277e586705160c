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
    hit_ids(trace, capacity).count()
}

/// Returns the id of each hit.
pub(super) fn hit_ids(trace: &Trace, capacity: usize) -> impl Iterator<Item = u32> {
    let mut lru = Lru { links: vec![None; trace.ids], first: NONE, last: NONE, cached: 0 };
    let hit = move |id: &u32| {
        let cached = lru.remove(*id);
        if !cached && lru.cached == capacity {
            lru.remove(lru.last);
        }
        lru.put_first(*id);
        cached
    };
    trace.requests.iter().copied().filter(hit)
}

/// Returns the hit ratio by capacity, from 0 to the number of ids. (By a Fenwick tree that has a one at the last request
/// of each id: the sum between two requests is the number of ids in between.)
pub(crate) fn hit_ratios(trace: &Trace) -> Vec<f64> {
    let mut tree = vec![0_i64; trace.requests.len() + 1];
    let add = |tree: &mut Vec<i64>, at: usize, amount: i64| {
        let mut at = at;
        while at < tree.len() {
            tree[at] += amount;
            at += at & at.wrapping_neg();
        }
    };
    let sum_to = |tree: &[i64], at: usize| {
        let (mut at, mut sum) = (at, 0);
        while at > 0 {
            sum += tree[at];
            at &= at - 1;
        }
        sum
    };
    let mut hits = vec![0_u64; trace.ids + 1];
    let mut last = vec![0; trace.ids];
    for (now, id) in (1..).zip(&trace.requests) {
        let before = std::mem::replace(&mut last[*id as usize], now);
        if before > 0 {
            let between = sum_to(&tree, now - 1) - sum_to(&tree, before);
            hits[usize::try_from(between).unwrap_or(0) + 1] += 1;
            add(&mut tree, before, -1);
        }
        add(&mut tree, now, 1);
    }
    let mut sum = 0;
    let ratio = |hits: &u64| {
        sum += hits;
        sum as f64 / trace.requests.len() as f64
    };
    hits.iter().map(ratio).collect()
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
    fn hit_ratios_are_those_of_each_capacity() {
        let requests = Access::Zipf.order(100, 5000, 7);
        let trace = Trace { name: String::new(), requests, ids: 100 };
        for (capacity, ratio) in hit_ratios(&trace).into_iter().enumerate().skip(1) {
            assert!((ratio - hits(&trace, capacity) as f64 / 5000.0).abs() < 1e-9);
        }
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

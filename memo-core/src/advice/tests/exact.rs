//! Exact hit ratios of LRU: of all capacities by the distances of all references, and of one by a list.

use super::super::fenwick::Fenwick;

/// Returns the hit ratio of LRU by capacity, from 0 to the number of keys.
pub(super) fn hit_ratios(keys: &[u32]) -> Vec<f64> {
    let count = keys.iter().max().map_or(0, |last| *last as usize + 1);
    let mut hits = vec![0_u32; count + 1];
    let mut last_uses = vec![None; count];
    // A one at the last use of each key.
    let mut used = Fenwick::new(keys.len());
    for (now, key) in keys.iter().enumerate() {
        if let Some(before) = last_uses[*key as usize].replace(now) {
            let between = used.sum_before(now) - used.sum_before(before + 1);
            hits[between as usize + 1] += 1;
            used.add(before, 1_u64.wrapping_neg());
        }
        used.add(now, 1);
    }
    let mut sum = 0;
    hits.iter()
        .map(|hits| {
            sum += hits;
            f64::from(sum) / keys.len() as f64
        })
        .collect()
}

/// LRU of one capacity, by a list: the entry that was used last stands first, and each has a weight.
pub(super) struct List {
    capacity: u64,
    entries: Vec<(u32, u64)>,
}

impl List {
    pub(super) fn new(capacity: u64) -> Self {
        Self { capacity, entries: Vec::new() }
    }

    /// Returns whether it has the key, and puts it first.
    pub(super) fn reference(&mut self, key: u32, weight: u64) -> bool {
        let at = self.entries.iter().position(|(other, _)| *other == key);
        at.map(|at| self.entries.remove(at));
        self.entries.insert(0, (key, weight));
        let mut sum = 0;
        self.entries.retain(|(_, weight)| {
            sum += weight;
            sum <= self.capacity
        });
        at.is_some()
    }
}

//! GreedyDual with frequencies: an entry has a rank, the time of its computation times the number of its uses. The
//! entry with the lowest rank is evicted, and later ranks count from that one. (Cherkasova, "Improving WWW Proxies
//! Performance with Greedy-Dual-Size-Frequency Caching Policy", HPL-98-69R1, 1998. Without the number of uses: Cao and
//! Irani, "Cost-Aware WWW Proxy Caching Algorithms", USITS 97.) A hit only counts: a rank is found again when it is the
//! lowest.

use std::collections::BTreeMap;

use super::trace::Trace;

/// Uses are counted up to this, so that what was used often leaves some time.
const MAX_USES: u32 = 4;
/// So many uses are counted until a rank is found again.
const MAX_NEW_USES: u32 = 3;

/// A rank, by the bits of a positive number, and the number of its request, which makes it unique.
type Rank = (u64, usize);

#[derive(Clone, Default)]
struct Entry {
    is_cached: bool,
    uses: u32,
    new_uses: u32,
}

/// Returns the time that hits save, as a part of the time that all requests would take.
pub(super) fn saved(trace: &Trace, capacity: usize, costs: &[f64]) -> f64 {
    let mut entries = vec![Entry::default(); trace.ids];
    let mut ranks: BTreeMap<Rank, u32> = BTreeMap::new();
    let (mut lowest, mut now, mut saved, mut all) = (0.0, 0, 0.0, 0.0);
    let rank = |lowest: f64, id: u32, uses: u32, now: usize| -> Rank {
        ((lowest + f64::from(uses.min(MAX_USES)) * costs[id as usize]).to_bits(), now)
    };
    for &id in &trace.requests {
        now += 1;
        all += costs[id as usize];
        let entry = &mut entries[id as usize];
        if entry.is_cached {
            saved += costs[id as usize];
            entry.new_uses = (entry.new_uses + 1).min(MAX_NEW_USES);
            continue;
        }
        while ranks.len() >= capacity {
            let Some(((bits, _), id)) = ranks.pop_first() else { break };
            lowest = f64::from_bits(bits);
            let entry = &mut entries[id as usize];
            if entry.new_uses == 0 {
                entry.is_cached = false;
            } else {
                entry.uses += std::mem::take(&mut entry.new_uses);
                now += 1;
                ranks.insert(rank(lowest, id, entry.uses, now), id);
            }
        }
        entries[id as usize] = Entry { is_cached: true, uses: 1, new_uses: 0 };
        ranks.insert(rank(lowest, id, 1, now), id);
    }
    saved / all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dear_stays() {
        let trace = Trace { name: String::new(), requests: vec![0, 1, 2, 3, 0, 1], ids: 4 };
        // 0 is a hit, and 1 is not.
        assert_eq!(saved(&trace, 2, &[10.0, 1.0, 1.0, 1.0]), 10.0 / 24.0);
    }

    #[test]
    fn what_was_dear_leaves_when_it_is_not_used_for_long() {
        let requests: Vec<_> = [0].into_iter().chain(1..100).chain([0]).collect();
        let trace = Trace { name: String::new(), requests, ids: 100 };
        let mut costs = vec![1.0; 100];
        costs[0] = 10.0;
        assert_eq!(saved(&trace, 2, &costs), 0.0);
    }
}

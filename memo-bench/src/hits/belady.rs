//! Belady's MIN: the entry whose next request is the latest is evicted first. This needs knowledge of the future. No
//! cache that admits every requested key has more hits.

use std::collections::BinaryHeap;

use super::trace::Trace;

const NEVER: usize = usize::MAX;

pub(crate) fn hits(trace: &Trace, capacity: usize) -> usize {
    let next = next_requests(trace);
    // By id: the position of its next request, or `None` if the id is not cached.
    let mut cached: Vec<Option<usize>> = vec![None; trace.ids];
    // A heap by the position of the next request. It also contains ids that were requested since or are evicted. These
    // are skipped.
    let mut latest = BinaryHeap::new();
    let (mut count, mut hits) = (0, 0);
    for (at, id) in trace.requests.iter().enumerate() {
        if cached[*id as usize].is_some() {
            hits += 1;
        } else if count < capacity {
            count += 1;
        } else {
            while let Some((when, id)) = latest.pop() {
                let evicted: &mut Option<usize> = &mut cached[id as usize];
                if *evicted == Some(when) {
                    *evicted = None;
                    break;
                }
            }
        }
        cached[*id as usize] = Some(next[at]);
        latest.push((next[at], *id));
    }
    hits
}

/// Returns, for each request, the position of the next request of the same id.
fn next_requests(trace: &Trace) -> Vec<usize> {
    let mut last = vec![NEVER; trace.ids];
    let mut next: Vec<_> = (trace.requests.iter().enumerate().rev())
        .map(|(at, id)| std::mem::replace(&mut last[*id as usize], at))
        .collect();
    next.reverse();
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;

    /// Returns the largest possible number of hits, found by trying every choice.
    fn most(requests: &[u32], cached: &[u32], capacity: usize) -> usize {
        let Some((id, rest)) = requests.split_first() else { return 0 };
        if cached.contains(id) {
            return 1 + most(rest, cached, capacity);
        }
        let with = |cached: &[u32]| [cached, &[*id]].concat();
        if cached.len() < capacity {
            return most(rest, &with(cached), capacity);
        }
        let without = |evicted: usize| [&cached[..evicted], &cached[evicted + 1..]].concat();
        let choices = (0..capacity).map(|evicted| most(rest, &with(&without(evicted)), capacity));
        choices.max().unwrap_or(0)
    }

    #[test]
    fn no_choice_hits_more_often() {
        for seed in 0..50 {
            let requests = Access::Uniform.order(5, 14, seed * 1000);
            let trace = Trace { name: String::new(), requests, ids: 5 };
            for capacity in 1..=3 {
                assert_eq!(hits(&trace, capacity), most(&trace.requests, &[], capacity));
            }
        }
    }

    #[test]
    fn no_lru_hits_more_often() {
        let requests = Access::Zipf.order(100, 5000, 7);
        let trace = Trace { name: String::new(), requests, ids: 100 };
        for capacity in [1, 7, 50, 100] {
            assert!(hits(&trace, capacity) >= super::super::lru::hits(&trace, capacity));
        }
    }
}

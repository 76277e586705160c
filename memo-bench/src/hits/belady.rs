//! Belady's MIN: what is asked for next the latest goes first. No cache that takes in all that is asked for hits more
//! often, since none knows the future.

use std::collections::BinaryHeap;

use super::trace::Trace;

const NEVER: usize = usize::MAX;

pub(crate) fn hits(trace: &Trace, capacity: usize) -> usize {
    let next = next_requests(trace);
    // By id, when it is asked for next, if it is held.
    let mut held: Vec<Option<usize>> = vec![None; trace.ids];
    // Also what was asked for since, or went: such are passed over.
    let mut latest = BinaryHeap::new();
    let (mut count, mut hits) = (0, 0);
    for (at, id) in trace.requests.iter().enumerate() {
        if held[*id as usize].is_some() {
            hits += 1;
        } else if count < capacity {
            count += 1;
        } else {
            while let Some((when, id)) = latest.pop() {
                let gone: &mut Option<usize> = &mut held[id as usize];
                if *gone == Some(when) {
                    *gone = None;
                    break;
                }
            }
        }
        held[*id as usize] = Some(next[at]);
        latest.push((next[at], *id));
    }
    hits
}

/// For each request, when its id is asked for again.
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

    /// The most hits there can be, by trying every choice.
    fn most(requests: &[u32], held: &[u32], capacity: usize) -> usize {
        let Some((id, rest)) = requests.split_first() else { return 0 };
        if held.contains(id) {
            return 1 + most(rest, held, capacity);
        }
        let with = |held: &[u32]| [held, &[*id]].concat();
        if held.len() < capacity {
            return most(rest, &with(held), capacity);
        }
        let without = |gone: usize| [&held[..gone], &held[gone + 1..]].concat();
        let choices = (0..capacity).map(|gone| most(rest, &with(&without(gone)), capacity));
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

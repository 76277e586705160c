//! Circles among files that import each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::arrows::Arrow;

/// For each arrow that is part of a circle, a shortest one: its files in order, beginning with the lowest number.
pub(crate) fn circles(arrows: &[Arrow]) -> BTreeSet<Vec<usize>> {
    let mut next: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| arrow.needs) {
        next.entry(arrow.from).or_default().insert(arrow.to);
    }
    let mut circles = BTreeSet::new();
    for (&from, targets) in &next {
        for &to in targets {
            if let Some(mut circle) = way(&next, to, from) {
                let first = (0..circle.len()).min_by_key(|&place| circle[place]).unwrap();
                circle.rotate_left(first);
                circles.insert(circle);
            }
        }
    }
    circles
}

/// A shortest way along the arrows, with both ends.
fn way(next: &BTreeMap<usize, BTreeSet<usize>>, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut way = vec![at];
            while way[way.len() - 1] != from {
                way.push(before[&way[way.len() - 1]]);
            }
            way.reverse();
            return Some(way);
        }
        for &target in next.get(&at).into_iter().flatten() {
            before.entry(target).or_insert_with(|| {
                queue.push_back(target);
                at
            });
        }
    }
    None
}

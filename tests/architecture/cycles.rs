//! Finds cycles of files that import each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::arrows::Arrow;

/// Returns a shortest cycle for each arrow that is part of one: its files in order, from the lowest number on.
pub(crate) fn cycles(arrows: &[Arrow]) -> BTreeSet<Vec<usize>> {
    let mut next: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| arrow.needs) {
        next.entry(arrow.from).or_default().insert(arrow.to);
    }
    let mut cycles = BTreeSet::new();
    for (&from, targets) in &next {
        for &to in targets {
            if let Some(mut cycle) = shortest_path(&next, to, from) {
                let first = (0..cycle.len()).min_by_key(|&index| cycle[index]).unwrap();
                cycle.rotate_left(first);
                cycles.insert(cycle);
            }
        }
    }
    cycles
}

/// Returns a shortest path along the arrows, with both ends.
fn shortest_path(
    next: &BTreeMap<usize, BTreeSet<usize>>,
    from: usize,
    to: usize,
) -> Option<Vec<usize>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(file) = queue.pop_front() {
        if file == to {
            let mut path = vec![file];
            while path[path.len() - 1] != from {
                path.push(before[&path[path.len() - 1]]);
            }
            path.reverse();
            return Some(path);
        }
        for &target in next.get(&file).into_iter().flatten() {
            before.entry(target).or_insert_with(|| {
                queue.push_back(target);
                file
            });
        }
    }
    None
}

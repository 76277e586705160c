//! What is measured: a list of cases.

use crate::access::Access;
use crate::contender::Contender;
use crate::kinds::{map, number, octets, opts, text};

/// Contenders over so many keys, memokit first.
pub(crate) type Contenders = fn(usize) -> Vec<Contender>;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) keys: usize,
    pub(crate) access: Access,
    pub(crate) threads: usize,
    /// Calls a thread and round.
    pub(crate) calls: usize,
    /// Calls that fill the cache before the first round.
    pub(crate) fill: usize,
    /// Nothing is computed in a round; else every call computes.
    pub(crate) hits: bool,
    pub(crate) contenders: Contenders,
}

const SMALL: usize = 1000;
const LARGE: usize = 1_000_000;

/// The contenders of hits in a small cache, by the kind of key.
pub(crate) fn kind(name: &str) -> Option<Contenders> {
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, contenders)| *contenders)
}

const KINDS: [(&str, Contenders); 5] = [
    ("u64", number::small),
    ("text", text::contenders),
    ("opts", opts::contenders),
    ("map", map::contenders),
    ("octets", octets::contenders),
];

pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for access in [Access::Uniform, Access::Zipf] {
        for (kind, contenders) in KINDS {
            cases.push(hits(kind, SMALL, access, 1, contenders));
        }
    }
    cases.push(hits("u64+ttl", SMALL, Access::Uniform, 1, number::expiring));
    for access in [Access::Uniform, Access::Zipf] {
        cases.push(hits("u64", LARGE, access, 1, number::large));
    }
    for threads in thread_counts() {
        for access in [Access::Uniform, Access::Zipf] {
            for (kind, contenders) in &KINDS[..3] {
                cases.push(hits(kind, SMALL, access, threads, *contenders));
            }
            cases.push(hits("u64", LARGE, access, threads, number::large));
        }
    }
    cases.push(misses("insert/u64/50k", 50_000, 50_000, number::filling));
    cases.push(misses("insert/text/50k", 50_000, 50_000, text::filling));
    cases.push(misses("evict/u64/100k", 200_000, 50_000, number::evicting));
    cases
}

/// Two threads, and as many as there are cores.
fn thread_counts() -> Vec<usize> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores > 2 { vec![2, cores] } else { vec![2] }
}

fn hits(kind: &str, keys: usize, access: Access, threads: usize, contenders: Contenders) -> Case {
    let size = if keys == LARGE { "1m" } else { "1k" };
    let how = if access == Access::Zipf { "zipf" } else { "uniform" };
    Case {
        name: format!("hit/{kind}/{size}/{how}/{threads}t"),
        keys,
        access,
        threads,
        calls: 100_000,
        fill: keys,
        hits: true,
        contenders,
    }
}

fn misses(name: &str, fill: usize, calls: usize, contenders: Contenders) -> Case {
    Case {
        name: format!("{name}/1t"),
        keys: fill,
        access: Access::Once,
        threads: 1,
        calls,
        fill,
        hits: false,
        contenders,
    }
}

//! The list of cases that are measured.

use crate::access::Access;
use crate::contender::Contender;
use crate::kinds::{advised, map, number, objects, octets, opts, stored, text};
use crate::persist;

/// Makes the contenders for a number of keys, memokit first.
pub(crate) type Contenders = fn(usize) -> Vec<Contender>;

/// What all calls in a round must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Hits,
    Misses,
    Either,
}

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) keys: usize,
    pub(crate) access: Access,
    pub(crate) threads: usize,
    /// Calls per thread and round.
    pub(crate) calls: usize,
    /// Calls that fill the cache before the first round.
    pub(crate) fill: usize,
    pub(crate) expected: Expected,
    pub(crate) contenders: Contenders,
}

const SMALL: usize = 1000;
const LARGE: usize = 1_000_000;

/// Returns the contenders of hits in a small cache by the kind of key, or those of [`ADVISED`], [`OBJECTS`] or [`STORED`].
pub(crate) fn kind(name: &str) -> Option<Contenders> {
    let mut known = KINDS.iter().chain(&ADVISED).chain(&OBJECTS).chain(&STORED);
    known.find(|(known, _)| *known == name).map(|(_, contenders)| *contenders)
}

/// Calls of functions with `persist` at `os`: hits in memory, insertions of results of 100 bytes, and hits of these on
/// disk, nine in ten of them in a log or a snapshot and the others in memory.
pub(crate) const STORED: [(&str, Contenders); 4] = [
    ("u64+persist", stored::hits),
    ("insert+persist", persist::insertions),
    ("log+persist", persist::hits_in_log),
    ("snapshot+persist", persist::hits_in_snapshot),
];

/// Hits of functions with `advise`, during a pause of the sampling and before.
pub(crate) const ADVISED: [(&str, Contenders); 2] =
    [("u64+advise", advised::paused), ("u64+advise,sampled", advised::sampled)];

/// Hits of methods with `scope = "instance"`, of objects with one and with eight of them.
pub(crate) const OBJECTS: [(&str, Contenders); 2] =
    [("u64+instance", objects::one), ("u64+instance,eight", objects::eight)];

pub(crate) const KINDS: [(&str, Contenders); 6] = [
    ("u64", number::small),
    ("text", text::small),
    ("opts", opts::small),
    ("map", map::contenders),
    ("octets", octets::borrowed),
    ("vec", octets::owned),
];

/// A million maps, or a million keys of 4 KiB, for each contender would not fit into the memory of most machines.
const LARGE_KINDS: [(&str, Contenders); 3] =
    [("u64", number::large), ("text", text::large), ("opts", opts::large)];

pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for threads in thread_counts() {
        for access in [Access::Uniform, Access::Zipf] {
            let small = KINDS.iter().map(|kind| hits(*kind, SMALL, access, threads));
            cases.extend(small);
            let large = LARGE_KINDS.iter().map(|kind| hits(*kind, LARGE, access, threads));
            cases.extend(large);
        }
        let expiring: [(_, Contenders); 2] =
            [(SMALL, number::small_expiring), (LARGE, number::large_expiring)];
        for (keys, contenders) in expiring {
            cases.push(hits(("u64+ttl", contenders), keys, Access::Uniform, threads));
        }
        cases.push(hits(("u64+persist", stored::hits), SMALL, Access::Uniform, threads));
        if threads == 1 {
            cases.push(hits(("u64+thread", number::of_thread), SMALL, Access::Uniform, 1));
        }
        for (kind, contenders) in MISSES {
            cases.push(misses(kind, contenders, threads));
        }
        cases.push(mixed(threads));
    }
    cases
}

const MISSES: [(&str, Contenders); 7] = [
    ("insert/u64/50k", number::filling),
    ("insert/text/50k", text::filling),
    ("insert/u64+ttl/50k", number::filling_expiring),
    ("insert/u64+persist/50k", stored::misses),
    ("evict/u64/100k", number::evicting),
    ("evict/text/100k", text::evicting),
    ("evict/u64+ttl/100k", number::evicting_expiring),
];

/// Returns 1, 2 and the number of cores if it is larger.
fn thread_counts() -> Vec<usize> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores > 2 { vec![1, 2, cores] } else { vec![1, 2] }
}

fn hits(
    (kind, contenders): (&str, Contenders),
    keys: usize,
    access: Access,
    threads: usize,
) -> Case {
    let size = if keys == LARGE { "1m" } else { "1k" };
    let how = if access == Access::Zipf { "zipf" } else { "uniform" };
    Case {
        name: format!("hit/{kind}/{size}/{how}/{threads}t"),
        keys,
        access,
        threads,
        calls: 100_000,
        fill: keys,
        expected: Expected::Hits,
        contenders,
    }
}

/// Returns a case of misses. In a case without eviction all threads together insert no more than the cache has room
/// for.
fn misses(name: &str, contenders: Contenders, threads: usize) -> Case {
    let fill = if name.starts_with("evict") { 200_000 } else { 50_000 };
    Case {
        name: format!("{name}/{threads}t"),
        keys: fill,
        access: Access::Once,
        threads,
        calls: 50_000 / threads,
        fill,
        expected: Expected::Misses,
        contenders,
    }
}

/// Returns a case of hits and misses in a cache with room for a tenth of the keys. A contender that keeps the keys that
/// are requested more often computes less.
fn mixed(threads: usize) -> Case {
    Case {
        name: format!("mixed/u64/100k/zipf/{threads}t"),
        keys: LARGE,
        access: Access::Zipf,
        threads,
        calls: 100_000,
        fill: LARGE,
        expected: Expected::Either,
        contenders: number::mixed,
    }
}

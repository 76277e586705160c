//! Finds similar texts by MinHash: the share of equal slots in two sketches estimates the share of
//! runs of tokens that the texts have in common.

use std::collections::BTreeSet;

/// The number of tokens in a run.
pub(crate) const RUN: usize = 5;
/// Texts with fewer runs are not compared: they are often similar by chance.
const FEWEST_RUNS: usize = 16;
const SLOTS: usize = 128;
/// The number of slots in a band. Two texts are compared if all slots of one band are equal.
const BAND: usize = 4;
/// Among the texts that share a band, each is compared with at most this many that follow it.
const NEIGHBOURS: usize = 8;

/// Two texts, as indices into the list of sketches.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) percent: usize,
    pub(crate) texts: [usize; 2],
}

/// Returns the smallest hash of all runs for each of `SLOTS` hash functions. Empty for a short text.
pub(crate) fn sketch(tokens: &[&str]) -> Vec<u32> {
    if tokens.len() < RUN + FEWEST_RUNS {
        return Vec::new();
    }
    let hashes: Vec<u64> = tokens.iter().map(|token| hash(token)).collect();
    let mut least = vec![u32::MAX; SLOTS];
    for run in hashes.windows(RUN) {
        let base = run.iter().fold(0, |sum, hash| mix(sum ^ hash));
        for (slot, seed) in least.iter_mut().zip(1_u64..) {
            *slot = (*slot).min((mix(base.wrapping_add(seed << 32)) >> 32) as u32);
        }
    }
    least
}

/// Returns the `top` most similar pairs, the most similar first.
pub(crate) fn pairs(sketches: &[&[u32]], top: usize) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = candidates(sketches)
        .into_iter()
        .map(|[a, b]| Pair { percent: percent(sketches[a], sketches[b]), texts: [a, b] })
        .collect();
    pairs.sort_by_key(|pair| (std::cmp::Reverse(pair.percent), pair.texts));
    pairs.truncate(top);
    pairs
}

/// Returns the pairs that share a band. They are found by sorting, because the time to compare all
/// texts with all others grows with the square of their number.
fn candidates(sketches: &[&[u32]]) -> BTreeSet<[usize; 2]> {
    let mut found = BTreeSet::new();
    for band in (0..SLOTS).step_by(BAND) {
        let mut order: Vec<(&[u32], usize)> = sketches
            .iter()
            .enumerate()
            .filter_map(|(index, sketch)| Some((sketch.get(band..band + BAND)?, index)))
            .collect();
        order.sort_unstable();
        for (at, (slots, index)) in order.iter().enumerate() {
            let near = order[at + 1..].iter().take(NEIGHBOURS);
            let alike = near.take_while(|(other, _)| other == slots);
            found.extend(alike.map(|(_, other)| [*index, *other]));
        }
    }
    found
}

fn percent(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a == b).count() * 100 / SLOTS
}

fn hash(token: &str) -> u64 {
    token.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)))
}

/// A bijection whose every output bit depends on all input bits.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    bits ^ (bits >> 32)
}

//! Why keys are not held any more: the last departures from a cache, for those who ask.

use std::collections::VecDeque;

use crate::key;
use crate::key::hash::Seed;
use crate::platform::clock::{self, Millis};
use crate::platform::sync::usual::Mutex;
use crate::statistics::explanation::{Cause, Remover};

/// The last departures from a cache. It stores the hash of a key and its length in place of the key.
pub(super) struct Departures {
    seed: Seed,
    /// How many are kept.
    max: usize,
    /// The oldest first. Its lock is taken while that of a shard is held, and takes no other.
    ring: Mutex<VecDeque<Departure>>,
}

struct Departure {
    hash: u64,
    /// At most 64 KiB, as keys are.
    len: u32,
    cause: Cause,
    at: Millis,
}

/// The documentation of `explain` says so.
const _: () = assert!(size_of::<Departure>() == 24);

/// A removal of one key.
#[derive(Clone, Copy)]
pub(crate) struct Removing {
    pub(crate) by: Remover,
    /// Whether the key may be held elsewhere than in memory. Then it is noted even if memory does not know it.
    pub(crate) elsewhere: bool,
}

/// What is known of a key that is not held.
pub(crate) enum Departed {
    /// It left for this reason, so many milliseconds ago.
    Left(Cause, Millis),
    /// It has not left. All departures are known.
    Never,
    /// It is not among the last departures, of which so many are known.
    Unknown(usize),
}

impl Departures {
    pub(super) fn new(seed: Seed, max: usize) -> Self {
        Self { seed, max, ring: Mutex::new(VecDeque::new()) }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Notes that a key is not held any more.
    pub(super) fn note_key(&self, key: &[u8], cause: Cause) {
        if let Some(hash) = key::hash_bytes(key, &self.seed) {
            self.note(hash, key.len(), cause);
        }
    }

    pub(super) fn note(&self, hash: u64, len: usize, cause: Cause) {
        let mut ring = self.ring.lock();
        if ring.len() == self.max {
            ring.pop_front();
        }
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        ring.push_back(Departure { hash, len, cause, at: clock::now() });
    }

    #[inline]
    pub(super) fn last(&self, hash: u64, len: usize) -> Departed {
        let ring = self.ring.lock();
        let is_same =
            |departure: &&Departure| departure.hash == hash && departure.len as usize == len;
        match ring.iter().rev().find(is_same) {
            Some(found) => Departed::Left(found.cause, clock::now().saturating_sub(found.at)),
            None if ring.len() < self.max => Departed::Never,
            None => Departed::Unknown(self.max),
        }
    }
}

//! The key of a call, as it is looked for.

use super::arguments::{self, Arguments};
use super::hash::Seed;
use super::recorder::{Recorded, Recorder};
use super::stored::same_key;
use super::tag::MAX_LENGTH;

/// The key of a call, as it is looked for. Arguments that run no code of users are hashed, and compared with stored
/// bytes where these are. Others are hashed and copied in one pass, because none of their code may run while the thread
/// reads a table.
pub(crate) struct SearchKey<'a, A: ?Sized> {
    arguments: &'a A,
    hash: Option<u64>,
    /// The bytes of the key in the order of serialization. `None`: they are not known.
    copy: Option<&'a [u8]>,
}

/// The room for the bytes of a key.
pub(crate) struct Room {
    short: [u8; SHORT],
    long: Vec<u8>,
}

/// So many bytes have most keys. A few more instructions clear so many.
const SHORT: usize = 256;

impl Room {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self { short: [0; SHORT], long: Vec::new() }
    }
}

impl<'a, A: Arguments + ?Sized> SearchKey<'a, A> {
    #[inline(always)]
    pub(crate) fn new(arguments: &'a A, seed: &Seed, room: &'a mut Room) -> Self {
        if const { A::PLAIN } {
            return Self { arguments, hash: arguments::hash(arguments, seed).ok(), copy: None };
        }
        let Room { short, long } = room;
        let Recorded { hash, left, missing } = record(arguments, seed, short);
        let copy = match missing {
            0 => short.get(..SHORT - left),
            missing => copy_long(arguments, seed, SHORT + missing, long),
        };
        Self { arguments, hash: hash.ok(), copy }
    }

    /// Returns the hash, or `None` if the arguments have no key.
    #[inline(always)]
    pub(crate) fn hash(&self) -> Option<u64> {
        self.hash
    }

    /// Reports whether `stored` encodes the key. Runs no code of users. If such code has hidden an error, it says no.
    #[inline(always)]
    pub(crate) fn matches(&self, stored: &[u8]) -> bool {
        if const { A::PLAIN } {
            arguments::matches(self.arguments, stored)
        } else {
            self.copy.is_some_and(|copy| same_key(stored, copy))
        }
    }
}

/// Copies the key again, which is longer than most. A key that is even longer is stored as a digest, and not found by
/// its bytes.
#[cold]
#[inline(never)]
fn copy_long<'r, A: Arguments + ?Sized>(
    arguments: &A,
    seed: &Seed,
    len: usize,
    room: &'r mut Vec<u8>,
) -> Option<&'r [u8]> {
    if len > MAX_LENGTH {
        return None;
    }
    room.resize(len, 0);
    // A user's `Serialize` may make another key this time.
    let Recorded { hash, left, missing } = record(arguments, seed, room);
    room.get(..len - left).filter(|_| missing == 0 && hash.is_ok())
}

/// Hashes the key of `arguments`, and copies its bytes as far as there is room.
fn record<A: Arguments + ?Sized>(arguments: &A, seed: &Seed, room: &mut [u8]) -> Recorded {
    let mut recorder = Recorder::new(seed, room);
    // The sink records every failure and stays failed, because a `Serialize` may hide an error.
    let _ = arguments.encode(&mut recorder);
    recorder.finish()
}

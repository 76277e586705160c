//! The key of a call, as it is looked for.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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

/// How much room the keys of one function need.
#[derive(Debug, Default)]
pub(crate) struct KeySize(AtomicUsize);

/// So many bytes have most keys. A few instructions clear so many.
const SHORT: usize = 256;

/// The room for a longer key. Each thread keeps one.
struct Long(Vec<u8>);

thread_local! {
    static LONG: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl KeySize {
    /// Notes that a key had no room. Longer ones are stored as digests, and not found by their bytes.
    #[cold]
    #[inline(never)]
    fn note(&self, len: usize) {
        if len <= MAX_LENGTH {
            self.0.fetch_max(len.next_power_of_two(), Relaxed);
        }
    }
}

impl Long {
    /// Hashes the key of `arguments`, and copies its bytes if they are no more than `size`.
    #[cold]
    #[inline(never)]
    fn record<A: Arguments + ?Sized>(
        &mut self,
        size: usize,
        arguments: &A,
        seed: &Seed,
    ) -> (Recorded, Option<&[u8]>) {
        self.0 = LONG.try_with(Cell::take).unwrap_or_default();
        if self.0.len() < size {
            self.0.resize(size, 0);
        }
        record(arguments, seed, &mut self.0)
    }

    #[cold]
    #[inline(never)]
    fn give_back(&mut self) {
        let room = std::mem::take(&mut self.0);
        let _ = LONG.try_with(|long| long.set(room));
    }
}

impl Drop for Long {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.give_back();
        }
    }
}

/// Hashes the key of `arguments`, and copies its bytes if there is room.
fn record<'r, A: Arguments + ?Sized>(
    arguments: &A,
    seed: &Seed,
    room: &'r mut [u8],
) -> (Recorded, Option<&'r [u8]>) {
    let mut recorder = Recorder::new(seed, room);
    // The sink records every failure and stays failed, because a `Serialize` may hide an error.
    let _ = arguments.encode(&mut recorder);
    let recorded = recorder.finish();
    let copy = room.get(..recorded.len);
    (recorded, copy)
}

impl<A: Arguments + ?Sized> SearchKey<'_, A> {
    /// Passes the key of `arguments` to `f`. `size`: that of the keys of the function.
    #[inline(always)]
    pub(crate) fn with<R>(
        arguments: &A,
        seed: &Seed,
        size: &KeySize,
        f: impl FnOnce(&SearchKey<'_, A>) -> R,
    ) -> R {
        if const { A::PLAIN } {
            let hash = arguments::hash(arguments, seed).ok();
            return f(&SearchKey { arguments, hash, copy: None });
        }
        let (mut short, mut long) = ([0; SHORT], Long(Vec::new()));
        let (Recorded { hash, len }, copy) = match size.0.load(Relaxed) {
            0 => record(arguments, seed, &mut short),
            size => long.record(size, arguments, seed),
        };
        if copy.is_none() {
            size.note(len);
        }
        f(&SearchKey { arguments, hash: hash.ok(), copy })
    }

    /// Returns the hash, or `None` if the arguments have no key.
    #[inline(always)]
    pub(crate) fn hash(&self) -> Option<u64> {
        self.hash
    }

    /// Reports whether `stored` encodes the key. Of one that had no room it says no. Runs no code of users.
    #[inline(always)]
    pub(crate) fn matches(&self, stored: &[u8]) -> bool {
        if const { A::PLAIN } {
            arguments::matches(self.arguments, stored)
        } else {
            self.copy.is_some_and(|copy| same_key(stored, copy))
        }
    }
}

//! `memo diff`: what two folders have different.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use clap::Args;
use memo_core::error::Error;
use memo_core::inspect::{Contents, Entry, Version, canonical, key_id, key_text};
use serde::Serialize;

use crate::choice::{Chosen, told_of};
use crate::failure::{Done, Exit};
use crate::output::Output;

/// So many keys are held in memory at a time. Both folders are read for each so many.
const BATCH: u64 = 4_000_000;

/// Show the keys that only one of two folders has, or with different values
///
/// `-` only A has it, `+` only B has it, `~` the values differ, as the codec wrote them. (A hash map may be written in
/// another order.) If A and B hold one version each, these are compared; otherwise versions of the same name. Exit code
/// 1 if there is a difference.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    a: PathBuf,
    b: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    function: &'a str,
    version: &'a str,
    /// `only_a`, `only_b` or `differs`.
    difference: &'a str,
    id: String,
    key: String,
}

/// Keys of A, while the values of B are compared. Of each 16 bytes: the highest bits of a hash of the key, then those
/// of a hash of the value, and last whether B has the key.
struct Held(Vec<u128>);

impl Held {
    /// How many bits do not belong to the key. Its 80 bits are enough that two keys of a folder do not share them.
    const VALUE: u32 = 48;

    fn of(key: u128, value: u64) -> u128 {
        (key >> Self::VALUE << Self::VALUE) | u128::from(value >> (64 - Self::VALUE) & !1)
    }

    /// Returns the place of a key.
    fn find(&self, key: u128) -> Option<usize> {
        let key = key >> Self::VALUE;
        let at = self.0.partition_point(|held| held >> Self::VALUE < key);
        self.0.get(at).is_some_and(|held| held >> Self::VALUE == key).then_some(at)
    }

    fn is_in_b(&self, at: usize) -> bool {
        self.0[at] & 1 == 1
    }
}

impl Diff {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let [a, b] = [&self.a, &self.b].map(|dir| Chosen::below(dir, |_| true));
        let (a, b) = (a?, b?);
        let mut exit = a.exit.or(b.exit);
        for (a, b) in pairs(a.versions, b.versions) {
            let Some(shown) = a.as_ref().or(b.as_ref()) else { continue };
            let names = (shown.function(), shown.name());
            let comparison = Comparison { a, b, names };
            // Exit code 1 would say that there is a difference.
            let done = comparison.run(out);
            exit = exit.or(told_of(done, &comparison.names.0, &comparison.names.1, Exit::Trouble)?);
        }
        Ok(exit)
    }
}

/// Returns the versions to compare with one another.
fn pairs(a: Vec<Version>, mut b: Vec<Version>) -> Vec<Pair> {
    if (a.len(), b.len()) == (1, 1) {
        return a.into_iter().map(Some).zip(b.into_iter().map(Some)).collect();
    }
    let name = |version: &Version| (version.folder(), version.name());
    let mut pairs = Vec::new();
    for a in a {
        let at = b.iter().position(|b| name(b) == name(&a));
        pairs.push((Some(a), at.map(|at| b.remove(at))));
    }
    pairs.extend(b.into_iter().map(|b| (None, Some(b))));
    pairs
}

/// A version of A and one of B. One of them may be missing.
type Pair = (Option<Version>, Option<Version>);

struct Comparison {
    a: Option<Version>,
    b: Option<Version>,
    names: (String, String),
}

impl Comparison {
    /// Compares the keys share by share, so that not all of them need be in memory.
    fn run(&self, out: &mut Output) -> Done {
        let open =
            |version: &Option<Version>| version.as_ref().map(|v| v.contents(false)).transpose();
        let (a, b) = (open(&self.a)?, open(&self.b)?);
        let count = |contents: &Option<Contents>| {
            contents.as_ref().map_or(Ok(0), |contents| contents.summary().map(|(count, _)| count))
        };
        let shares = (count(&a)?.max(count(&b)?)).div_ceil(BATCH).max(1);
        let mut exit = Exit::Fine;
        for number in 0..shares {
            let share = Share { number, of: shares };
            exit = exit.or(self.compare(out, share, a.as_ref(), b.as_ref())?);
        }
        Ok(exit)
    }

    fn compare(
        &self,
        out: &mut Output,
        share: Share,
        a: Option<&Contents>,
        b: Option<&Contents>,
    ) -> Done {
        let mut held = Held(Vec::new());
        share.each(a, &mut |entry, hash| {
            held.0.push(Held::of(hash, value_hash(entry)?));
            Ok(())
        })?;
        held.0.sort_unstable();
        let mut exit = Exit::Fine;
        share.each(b, &mut |entry, hash| {
            let difference = match held.find(hash) {
                None => "only_b",
                Some(at) => {
                    let is_same = held.0[at] == Held::of(hash, value_hash(entry)?);
                    held.0[at] |= 1;
                    if is_same {
                        return Ok(());
                    }
                    "differs"
                }
            };
            exit = Exit::Found;
            self.print(out, entry, difference)
        })?;
        if (0..held.0.len()).all(|at| held.is_in_b(at)) {
            return Ok(exit);
        }
        share.each(a, &mut |entry, hash| match held.find(hash) {
            Some(at) if !held.is_in_b(at) => self.print(out, entry, "only_a"),
            _ => Ok(()),
        })?;
        Ok(Exit::Found)
    }

    fn print(&self, out: &mut Output, entry: &Entry<'_>, difference: &str) -> Result<(), Error> {
        let (function, version) = (&*self.names.0, &*self.names.1);
        let (id, key) = (key_id(entry.key), key_text(entry.key));
        if out.is_json {
            return out.json(&Line { function, version, difference, id, key });
        }
        let sign = match difference {
            "only_a" => '-',
            "only_b" => '+',
            _ => '~',
        };
        out.line(&format!("{sign} {function} {id} {key}"))
    }
}

/// A share of the keys, by their hashes.
#[derive(Clone, Copy)]
struct Share {
    number: u64,
    of: u64,
}

impl Share {
    /// Passes on the entries whose keys are in the share, with the hash of each key.
    fn each(
        self,
        contents: Option<&Contents>,
        each: &mut dyn FnMut(&Entry<'_>, u128) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(contents) = contents else { return Ok(()) };
        contents.for_each(&mut |entry| {
            let hash = key_hash(entry.key);
            let is_in = hash % u128::from(self.of) == u128::from(self.number);
            if is_in { each(entry, hash) } else { Ok(()) }
        })
    }
}

/// Returns a hash of the canonical key, wide enough that two keys of a folder do not share one.
fn key_hash(key: &[u8]) -> u128 {
    let key = canonical(key).unwrap_or_else(|| key.to_vec());
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &key).hash(&mut hasher);
        hasher.finish()
    };
    u128::from(half(0)) << 64 | u128::from(half(1))
}

fn value_hash(entry: &Entry<'_>) -> Result<u64, Error> {
    let mut hasher = DefaultHasher::new();
    entry.value()?.hash(&mut hasher);
    Ok(hasher.finish())
}

//! Tests that compare stores with a model of the changes that they acknowledged.

mod apart;
mod crash;
mod damage;
mod failure;
mod golden;
#[cfg(memokit_model)]
mod group_model;
mod images;
mod kill;
mod limit;
mod model;
mod moments;
mod other_versions;
mod ownership;
#[cfg(memokit_model)]
mod page_model;
#[cfg(feature = "opfs")]
mod pool;
mod processes;
mod real;
mod round_trip;
mod shares;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::file_name::Name;
use super::share::SHARE_BYTES;
use super::value_file::list_values;
use super::{
    Cost, Durability, Fs, Identity, Keep, Loss, MemFs, NewValue, Place, Record, Recovery, Store,
    Ticket,
};
use crate::error::Error;

/// The entries of a cache, as a memo holds them.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Keys with their values, in order.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn identity() -> Identity {
    Identity { function: "app::quote".to_owned(), key_format: 1, schema: 2, code: 3 }
}

fn dir() -> PathBuf {
    PathBuf::from("/cache/quote")
}

fn apply(entries: &mut Entries, record: Record<'_>) {
    match record {
        Record::Put { key, value, .. } => {
            entries.insert(key.to_vec(), value.to_vec());
        }
        Record::Remove { key } => {
            entries.remove(key);
        }
        Record::Clear => entries.clear(),
    }
}

fn open_as(
    fs: impl Fs,
    dir: &Path,
    identity: &Identity,
    durability: Durability,
) -> Result<(Store, Recovery, Entries), Error> {
    let store = Store::open(Arc::new(fs), &Place::alone(dir), identity, durability)?;
    store.begin(&mut |_| ())?;
    let found = contents(&store)?;
    let recovery = store.recovery();
    Ok((store, recovery, found))
}

/// Returns what the store finds.
fn contents(store: &Store) -> Result<Entries, Error> {
    let mut keys = Vec::new();
    store.for_each(&mut |record| {
        if let Record::Put { key, .. } = record {
            keys.push(key.to_vec());
        }
    })?;
    let mut entries = Entries::new();
    for key in keys {
        entries.extend(value(store, &key)?.map(|value| (key, value)));
    }
    Ok(entries)
}

fn value(store: &Store, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let found = store.find(key, true, &mut || ())?;
    Ok(found.and_then(|stored| match stored.record() {
        Record::Put { value, .. } => Some(value.to_vec()),
        _ => None,
    }))
}

fn open(fs: &MemFs) -> (Store, Recovery, Entries) {
    open_as(fs.clone(), &dir(), &identity(), Durability::Os).unwrap()
}

/// Returns what a new process recovers.
fn recovered(fs: &MemFs) -> (Recovery, Entries) {
    let (_store, recovery, entries) = open(&fs.after_process_death());
    (recovery, entries)
}

fn put<'a>(key: &'a [u8], value: &'a [u8]) -> Record<'a> {
    tagged(key, value, &[])
}

fn tagged<'a>(key: &'a [u8], value: &'a [u8], tags: &'a [u8]) -> Record<'a> {
    let cost = Cost::UNKNOWN;
    Record::Put { key, value, apart: false, created: 1, expires: None, cost, tags }
}

/// Where tests write as the cache of a function does, values of this length and more are kept apart.
const APART_FROM: usize = 500;

/// A queued record, and the file of its value if that is kept apart.
struct Queued {
    ticket: Ticket,
    file: Option<NewValue>,
}

/// Queues a record as the cache of a function does.
fn queue(
    store: &Store,
    record: Record<'_>,
    since: u64,
    queue: fn(&Store, Record<'_>, u64) -> Ticket,
) -> Result<Queued, Error> {
    match record {
        Record::Put { key, value, created, expires, cost, .. } if value.len() >= APART_FROM => {
            let mut file = store.new_value()?;
            value.chunks(value.len() / 2 + 1).try_for_each(|piece| file.write(piece))?;
            let value = &store.finish_value(&mut file)?;
            let record = Record::Put { key, value, apart: true, created, expires, cost, tags: &[] };
            let ticket = queue(store, record, since);
            if ticket.is_queued() {
                file.keep();
            }
            Ok(Queued { ticket, file: Some(file) })
        }
        record => Ok(Queued { ticket: queue(store, record, since), file: None }),
    }
}

fn commit(store: &Store, queued: Queued) -> Result<(), Error> {
    let Queued { ticket, file: _file } = queued;
    store.commit(ticket)
}

/// Writes a record, with its value in it, however long that is.
fn write(store: &Store, record: Record<'_>) -> Result<(), Error> {
    store.commit(store.queue(record, store.since()))
}

/// Writes a record as the cache of a function does.
fn write_apart(store: &Store, record: Record<'_>) -> Result<(), Error> {
    queue(store, record, store.since(), Store::queue).and_then(|queued| commit(store, queued))
}

/// Returns how many files of values there are.
fn value_files(fs: &MemFs) -> usize {
    list_values(fs, &dir()).unwrap().len()
}

/// Returns how many of these values are kept apart.
fn kept_apart(entries: &Entries) -> usize {
    entries.values().filter(|value| value.len() >= APART_FROM).count()
}

fn remove(store: &Store, key: &[u8]) -> Result<(), Error> {
    store.commit_removal(store.queue(Record::Remove { key }, 0))
}

/// Returns whether another process has removed something that the store has not followed.
fn is_behind(store: &Store) -> bool {
    let count = store.removals().map(|count| count.load(Ordering::SeqCst));
    count.is_some_and(|count| count != store.removals_seen())
}

const ALL: Keep<'static> = Keep {
    max: u64::MAX,
    max_bytes: u64::MAX,
    now: 0,
    stale: 0,
    idle_before: 0,
    is_used: &|_| false,
    share_bytes: u64::MAX,
};

/// Does what the cache of a function does each second, as if it were time for all of it: heals the store, writes what
/// is in memory and not on disk, and merges.
fn checkpoint(store: &Store, memory: &Entries) -> Result<(), Error> {
    if !store.status().healthy {
        store.heal_now()?;
    }
    let since = store.since();
    for (key, expected) in memory {
        if !store.has(key)? || value(store, key)?.as_ref() != Some(expected) {
            let queued = queue(store, put(key, expected), since, Store::queue_replacing)?;
            commit(store, queued)?;
        }
    }
    for key in contents(store)?.keys().filter(|key| !memory.contains_key(*key)) {
        remove(store, key)?;
    }
    store.healed()?;
    // Both ways, so that all tests show that they do the same.
    let share_bytes = if memory.len() % 2 == 1 { SHARE_BYTES } else { u64::MAX };
    store.merge(&Keep { share_bytes, ..ALL })?;
    store.follow(&mut |_| ())
}

fn entries<const N: usize>(pairs: [(&str, &str); N]) -> Entries {
    pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect()
}

fn path(name: Name) -> PathBuf {
    name.at(&dir())
}

fn losses(recovery: &Recovery) -> Vec<Loss> {
    recovery.discarded.iter().map(|(_, loss)| *loss).collect()
}

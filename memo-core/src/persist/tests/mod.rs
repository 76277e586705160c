//! Tests that compare stores with a model of the changes that they acknowledged.

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
mod ownership;
#[cfg(memokit_model)]
mod page_model;
mod processes;
mod real;
mod round_trip;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::file_name::Name;
use super::{
    Cost, Durability, Fs, Identity, Keep, Loss, MemFs, Place, Record, Recovery, Store, Ticket,
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
    let found = store.find(key)?;
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
    Record::Put { key, value, created: 1, expires: None, cost: Cost::UNKNOWN }
}

fn write(store: &Store, record: Record<'_>) -> Result<(), Error> {
    store.commit(store.queue(record, store.since()))
}

fn remove(store: &Store, key: &[u8]) -> Result<(), Error> {
    store.commit_removal(store.queue(Record::Remove { key }, 0))
}

/// Returns whether another process has removed something that the store has not followed.
fn is_behind(store: &Store) -> bool {
    let count = store.removals().map(|count| count.load(Ordering::SeqCst));
    count.is_some_and(|count| count != store.removals_seen())
}

const ALL: Keep<'static> =
    Keep { max: u64::MAX, max_bytes: u64::MAX, now: 0, idle_before: 0, is_used: &|_| false };

/// Does what the cache of a function does each second, as if it were time for all of it: heals the store, writes what
/// is in memory and not on disk, and merges.
fn checkpoint(store: &Store, memory: &Entries) -> Result<(), Error> {
    if !store.status().healthy {
        store.heal_now()?;
    }
    let since = store.since();
    for (key, expected) in memory {
        if value(store, key)?.as_ref() != Some(expected) {
            store.commit(store.queue_replacing(put(key, expected), since))?;
        }
    }
    for key in contents(store)?.keys().filter(|key| !memory.contains_key(*key)) {
        remove(store, key)?;
    }
    store.healed()?;
    store.merge(&ALL)?;
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

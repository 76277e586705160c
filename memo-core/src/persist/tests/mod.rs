//! Tests that compare stores with a model of the changes that they acknowledged.

mod crash;
mod damage;
mod failure;
mod golden;
#[cfg(memokit_model)]
mod group_model;
mod images;
mod kill;
mod model;
mod ownership;
mod real;
mod round_trip;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file_name::Name;
use super::{Cost, Durability, Fs, Identity, Loss, MemFs, Place, Record, Recovery, Store, Ticket};
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
    let mut entries = Entries::new();
    let mut replay = |record: Record<'_>| apply(&mut entries, record);
    let (store, recovery) =
        Store::open(Arc::new(fs), &Place::alone(dir), identity, durability, &mut replay)?;
    Ok((store, recovery, entries))
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
    store.commit(store.queue(record))
}

fn checkpoint(store: &Store, entries: &Entries) -> Result<(), Error> {
    store.checkpoint(&mut |sink| {
        for (key, value) in entries {
            if !sink(put(key, value)) {
                return;
            }
        }
    })
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

//! The stored functions, and the loops that call them and their rivals.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use memokit::memoize;

use super::directory;
use super::engine::{Engine, KINDS};
use super::file::Records;
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

/// How many results memory holds in a case of hits on disk.
const HELD: usize = 64;

#[memoize(persist = directory("bytes"), durability = "os")]
pub(super) fn bytes(n: u64) -> Vec<u8> {
    made(n, 100)
}

#[memoize(persist = directory("pages"), durability = "os")]
fn pages(n: u64) -> Vec<u8> {
    made(n, 4096)
}

#[memoize(persist = directory("logged"), durability = "os")]
fn logged(n: u64) -> Vec<u8> {
    made(n, 100)
}

#[memoize(persist = directory("compacted"), durability = "os")]
fn compacted(n: u64) -> Vec<u8> {
    made(n, 100)
}

/// Returns a result of `len` bytes.
pub(super) fn made(n: u64, len: usize) -> Vec<u8> {
    let mut value = vec![7; len];
    value[..8].copy_from_slice(&compute(n).to_le_bytes());
    value
}

/// Returns the first 8 bytes of a result.
fn first(value: &[u8]) -> u64 {
    u64::from_le_bytes(value[..8].try_into().expect("8 bytes"))
}

/// Returns a new folder for the database of a contender.
pub(super) fn folder(name: &str) -> PathBuf {
    let folder = directory(name);
    fs::create_dir_all(&folder).expect("a folder can be created in the temporary directory");
    folder
}

/// Insertions of results of 100 bytes by memokit alone.
pub(crate) fn insertions(_: usize) -> Vec<Contender> {
    vec![Contender::fresh("memokit", |n| first(&bytes(n)), || ())]
}

/// The same beside others: the whole call of memokit, and of the engines the `put` alone.
pub(super) fn insertions_of_bytes(_: usize) -> Vec<Contender> {
    inserting(|n| first(&bytes(n)), 100)
}

/// The same with results of 4 KiB.
pub(super) fn insertions_of_pages(_: usize) -> Vec<Contender> {
    inserting(|n| first(&pages(n)), 4096)
}

fn inserting(memokit: fn(u64) -> u64, len: usize) -> Vec<Contender> {
    let putting = |name: &'static str, engine: Box<dyn Engine>| {
        let put = move |n| {
            let value = made(n, len);
            engine.put(n, &value);
            first(&value)
        };
        Contender::fresh(name, put, || ())
    };
    let mut contenders = vec![Contender::fresh("memokit", memokit, || ())];
    let inserted = |name: &str| folder(&format!("{name}-insertions-{len}"));
    contenders
        .extend(KINDS.iter().map(|kind| putting(kind.name, (kind.open)(&inserted(kind.name)))));
    let records = Records::create(&inserted("write"), len);
    let append = move |n| {
        let value = made(n, len);
        records.append(&value);
        first(&value)
    };
    contenders.push(Contender::fresh("write alone", append, || ()));
    contenders
}

/// Hits of results that are in a log and not in memory. A snapshot of other results is so large that the log stays.
pub(crate) fn hits_in_log(count: usize) -> Vec<Contender> {
    (0..2 * count as u64).for_each(|n| _ = logged(!n));
    logged_memo().snapshot().expect("a snapshot can be written");
    reading("log", logged, || logged_memo().set_max(HELD), count)
}

/// Hits of results that are in a snapshot and not in memory.
pub(crate) fn hits_in_snapshot(count: usize) -> Vec<Contender> {
    let prepare = || {
        if compacted_memo().max().is_none() {
            compacted_memo().snapshot().expect("a snapshot can be written");
        }
        compacted_memo().set_max(HELD);
    };
    reading("snapshot", compacted, prepare, count)
}

/// `prepare` is called once all results were computed.
fn reading(place: &str, call: fn(u64) -> Vec<u8>, prepare: fn(), count: usize) -> Vec<Contender> {
    let keys: Arc<[u64]> = (0..count as u64).map(mix).collect();
    let memokit = Contender::over("memokit", &keys, move |&n| first(&call(n)));
    let mut contenders = vec![Contender { prepare: Box::new(prepare), ..memokit }];
    let stored = |name: &str| folder(&format!("{name}-{place}"));
    let getting = |name: &'static str, engine: Box<dyn Engine>| {
        keys.iter().for_each(|&n| engine.put(n, &made(n, 100)));
        Contender::over(name, &keys, move |&n| first(&engine.get(n).expect("it was put")))
    };
    contenders.extend(KINDS.iter().map(|kind| getting(kind.name, (kind.open)(&stored(kind.name)))));
    let records = Records::create(&stored("read"), 100);
    keys.iter().for_each(|&n| records.append(&made(n, 100)));
    let places: Arc<[u64]> = (0..count as u64).collect();
    contenders.push(Contender::over("read alone", &places, move |&n| first(&records.read(n))));
    contenders
}

/// Returns how many of these hits found their result on disk.
pub(super) fn disk_hits() -> u64 {
    logged_memo().stats().disk_hits + compacted_memo().stats().disk_hits
}

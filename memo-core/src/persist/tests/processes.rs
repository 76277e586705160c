//! Tests several processes that share a directory: stores on one disk.

use std::time::Duration;

use super::model::Random;
use super::*;
use crate::key::Tag;
use crate::persist::frame::HEAD;
use crate::persist::listing::list;
use crate::persist::share::Share;
use crate::persist::view::View;
use crate::persist::{Removal, tag_bytes, tag_key, tags};

/// Returns what the store finds after it has followed the others, and what these removed.
fn follow(store: &Store) -> (Entries, Vec<Removal>) {
    let mut removed = Vec::new();
    store.follow(&mut |removal| removed.push(removal)).unwrap();
    (contents(store).unwrap(), removed)
}

fn key(key: &[u8]) -> Removal {
    Removal::Key(key.into())
}

fn open_to_read(fs: &MemFs) -> Store {
    Store::open(Arc::new(fs.clone()), &Place::alone(&dir()), &identity(), Durability::Os).unwrap()
}

fn files(fs: &MemFs, kind: &str) -> usize {
    fs.paths().iter().filter(|path| path.to_string_lossy().contains(kind)).count()
}

#[test]
fn what_one_process_writes_the_others_find() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    write(&first, put(b"a", b"a1")).unwrap();
    let (second, _, found) = open(&fs);
    assert_eq!(found, entries([("a", "a1")]));
    write(&second, put(b"b", b"b1")).unwrap();
    write(&first, put(b"c", b"c1")).unwrap();
    let all = entries([("a", "a1"), ("b", "b1"), ("c", "c1")]);
    assert_eq!(follow(&first), (all.clone(), vec![]));
    assert_eq!(follow(&second), (all.clone(), vec![]));
    assert_eq!(contents(&open_to_read(&fs)).unwrap(), all);
}

#[test]
fn what_one_process_removes_the_others_are_told() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    let (second, ..) = open(&fs);
    for name in [b"a", b"b", b"c"] {
        write(&first, put(name, b"v")).unwrap();
    }
    let reader = open_to_read(&fs);
    assert_eq!(follow(&second).0.len(), 3);
    assert!(!is_behind(&second) && !is_behind(&reader));
    remove(&first, b"a").unwrap();
    write(&second, put(b"d", b"v")).unwrap();
    for store in [&second, &reader] {
        assert!(is_behind(store));
        let (found, removed) = follow(store);
        assert_eq!(removed, [key(b"a")]);
        assert_eq!(found, entries([("b", "v"), ("c", "v"), ("d", "v")]));
        assert!(!is_behind(store));
    }
    second.commit_removal(second.queue(Record::Clear, 0)).unwrap();
    assert!(is_behind(&first));
    assert_eq!(follow(&first), (Entries::new(), vec![Removal::All]));
    assert_eq!(recovered(&fs).1, Entries::new());
}

#[test]
fn a_result_that_is_older_than_a_removal_never_counts() {
    for replacing in [false, true] {
        let fs = MemFs::new();
        let (first, ..) = open(&fs);
        let (second, ..) = open(&fs);
        let since = second.since();
        remove(&first, b"k").unwrap();
        let stale = put(b"k", b"stale");
        let ticket = match replacing {
            true => second.queue_replacing(stale, since),
            false => second.queue(stale, since),
        };
        second.commit_removal(ticket).unwrap();
        for store in [&first, &second] {
            assert_eq!(follow(store).0, Entries::new(), "{replacing}");
        }
        assert_eq!(recovered(&fs).1, Entries::new(), "{replacing}");
        first.merge(&ALL).unwrap();
        assert_eq!(recovered(&fs).1, Entries::new(), "{replacing}");
        write(&second, put(b"k", b"new")).unwrap();
        assert_eq!(follow(&first).0, entries([("k", "new")]));
    }
}

#[test]
fn what_is_inserted_counts_over_what_was_being_computed() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    let (second, ..) = open(&fs);
    let since = second.since();
    first.commit_removal(first.queue_replacing(put(b"k", b"inserted"), u64::MAX)).unwrap();
    second.commit(second.queue(put(b"k", b"computed"), since)).unwrap();
    for store in [&first, &second] {
        assert_eq!(follow(store).0, entries([("k", "inserted")]));
    }
    assert_eq!(recovered(&fs).1, entries([("k", "inserted")]));
}

#[test]
fn what_a_merge_does_not_have_and_is_older_is_overtaken() {
    let fs = MemFs::new();
    let (writer, ..) = open(&fs);
    let (merger, ..) = open(&fs);
    write(&merger, put(b"a", b"a1")).unwrap();
    let since = writer.since();
    write(&merger, put(b"b", b"b1")).unwrap();
    // A removal and a put get their numbers before the merge begins, and are written during it.
    let removal = writer.queue(Record::Remove { key: b"a" }, 0);
    let early = writer.queue(put(b"c", b"c1"), since);
    let is_used = |name: &[u8]| {
        if name == b"a" {
            writer.commit_removal(removal).unwrap();
            writer.commit(early).unwrap();
        }
        true
    };
    merger.merge(&Keep { max: 0, is_used: &is_used, ..ALL }).unwrap();
    assert!(writer.is_overtaken(removal) && writer.is_overtaken(early));
    let before = entries([("a", "a1"), ("b", "b1")]);
    assert_eq!(recovered(&fs).1, before);
    assert_eq!(follow(&merger).0, before);
    follow(&writer);
    remove(&writer, b"a").unwrap();
    write(&writer, put(b"c", b"c1")).unwrap();
    let after = entries([("b", "b1"), ("c", "c1")]);
    for store in [&writer, &merger] {
        assert_eq!(follow(store).0, after);
    }
    assert_eq!(recovered(&fs).1, after);
}

/// The removal has the last number before the merge, and the put the number of the merge.
#[test]
fn a_removal_at_the_horizon_is_overtaken() {
    let fs = MemFs::new();
    let (writer, ..) = open(&fs);
    let (merger, ..) = open(&fs);
    write(&merger, put(b"k", b"v")).unwrap();
    let removal = writer.queue(Record::Remove { key: b"k" }, 0);
    merger.merge(&ALL).unwrap();
    writer.commit_removal(removal).unwrap();
    if !writer.is_overtaken(removal) {
        assert_eq!(recovered(&fs).1, Entries::new());
    }
    assert!(writer.is_overtaken(removal));
    remove(&writer, b"k").unwrap();
    assert_eq!(recovered(&fs).1, Entries::new());
}

#[test]
fn a_process_that_only_reads_follows_those_that_begin_merge_and_end() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    write(&first, put(b"a", b"a1")).unwrap();
    write(&first, put(b"b", b"b1")).unwrap();
    drop(first);
    let before = fs.paths();
    let reader = open_to_read(&fs);
    assert_eq!(contents(&reader).unwrap(), entries([("a", "a1"), ("b", "b1")]));
    assert_eq!(fs.paths(), before);

    let (second, ..) = open(&fs);
    write(&second, put(b"c", b"c1")).unwrap();
    assert_eq!(follow(&reader).0.len(), 3);
    remove(&second, b"a").unwrap();
    assert_eq!(follow(&reader).1, [key(b"a")]);
    second.merge(&ALL).unwrap();
    let expected = entries([("b", "b1"), ("c", "c1")]);
    assert_eq!(follow(&reader), (expected.clone(), vec![]));
    second.heal_now().unwrap();
    second.merge(&ALL).unwrap();
    assert_eq!(follow(&reader).0, expected);
    write(&second, put(b"d", b"d1")).unwrap();
    drop(second);
    assert_eq!(follow(&reader).0.len(), 3);

    let (third, ..) = open(&fs);
    remove(&third, b"b").unwrap();
    third.heal_now().unwrap();
    third.merge(&ALL).unwrap();
    drop(third);
    let (found, removed) = follow(&reader);
    assert_eq!(found, entries([("c", "c1"), ("d", "d1")]));
    assert!(removed.contains(&Removal::All) || removed.contains(&key(b"b")), "{removed:?}");
}

#[test]
fn the_log_of_a_process_that_ended_is_continued() {
    for killed in [false, true] {
        let fs = MemFs::new();
        let (alive, ..) = open(&fs);
        let (dying, ..) = open(&fs);
        write(&alive, put(b"a", b"a1")).unwrap();
        write(&dying, put(b"b", b"b1")).unwrap();
        let log = fs.get(&path(Name::Log(2))).unwrap().len();
        if killed {
            std::mem::forget(dying);
            // Its system releases the locks of both, so the other one ends too.
            fs.kill();
        } else {
            drop(dying);
        }
        let (first, ..) = open(&fs);
        let (second, _, found) = open(&fs);
        assert_eq!(found, entries([("a", "a1"), ("b", "b1")]));
        for (name, store) in [(b"c", &first), (b"d", &second)] {
            write(store, put(name, b"v")).unwrap();
        }
        let is_continued = fs.get(&path(Name::Log(2))).unwrap().len() == log + HEAD + 2;
        assert!(is_continued, "{killed}");
        assert_eq!(recovered(&fs).1.len(), 4);
        if !killed {
            assert_eq!(follow(&alive).0.len(), 4);
        }
        std::mem::forget(alive);
    }
}

#[test]
fn a_process_that_began_several_logs_meanwhile_is_followed_in_all() {
    let fs = MemFs::new();
    let (idle, ..) = open(&fs);
    let (busy, ..) = open(&fs);
    for name in [b"a", b"b", b"c"] {
        write(&idle, put(name, b"v")).unwrap();
    }
    follow(&busy);
    for name in [b"a", b"b", b"c"] {
        remove(&busy, name).unwrap();
        busy.heal_now().unwrap();
    }
    let (found, removed) = follow(&idle);
    assert_eq!((found, removed), (Entries::new(), vec![key(b"a"), key(b"b"), key(b"c")]));
}

/// A process that is killed within a write leaves a part of it, which it has not told the others.
#[test]
fn what_a_killed_process_has_not_told_is_not_found_by_those_that_live() {
    let fs = MemFs::new();
    let (alive, ..) = open(&fs);
    let (dying, ..) = open(&fs);
    write(&dying, put(b"b", b"b1")).unwrap();
    drop(dying);
    let mut log = fs.get(&path(Name::Log(2))).unwrap();
    log.extend_from_slice(&[7; 30]);
    fs.put(&path(Name::Log(2)), log.clone());
    let (next, _, found) = open(&fs);
    assert_eq!(found, entries([("b", "b1")]));
    write(&next, put(b"c", b"c1")).unwrap();
    assert_eq!(fs.get(&path(Name::Log(2))), Some(log), "it is not continued");
    assert_eq!(follow(&alive).0, entries([("b", "b1"), ("c", "c1")]));
}

/// One process cannot write, and removes all files. What the others remove afterwards must reach a log that stays.
#[test]
fn a_removal_outlives_that_another_process_removed_all_files() {
    use crate::persist::{ENOSPC, Failure};
    let fs = MemFs::new();
    let (full, ..) = open(&fs);
    let (other, ..) = open(&fs);
    write(&full, put(b"k", b"v")).unwrap();
    write(&full, put(b"l", b"v")).unwrap();
    write(&other, put(b"m", b"v")).unwrap();
    fs.fail(Some(Failure { at: 0, count: u64::MAX, errno: ENOSPC }));
    remove(&full, b"l").unwrap();
    fs.fail(None);
    assert_eq!((files(&fs, "wal-"), recovered(&fs).1), (0, Entries::new()));
    let memory = entries([("k", "v"), ("n", "v")]);
    checkpoint(&full, &memory).unwrap();
    remove(&other, b"k").unwrap();
    assert!(!follow(&full).0.contains_key(&b"k"[..]));
    assert!(!recovered(&fs).1.contains_key(&b"k"[..]));
    write(&other, put(b"o", b"v")).unwrap();
    assert!(recovered(&fs).1.contains_key(&b"o"[..]));
}

#[test]
fn the_logs_of_many_processes_that_ended_are_merged() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let others: Vec<_> = (0..8).map(|_| open(&fs).0).collect();
    for (n, other) in (0..8u8).zip(&others) {
        write(other, put(&[n], b"v")).unwrap();
    }
    assert_eq!((follow(&store).0.len(), files(&fs, "wal-")), (8, 9));
    assert!(!store.compact(&ALL).unwrap(), "all are written");
    drop(others);
    assert!(store.compact(&ALL).unwrap());
    assert_eq!((files(&fs, "wal-"), files(&fs, "snap-")), (1, 1));
    assert_eq!(follow(&store).0.len(), 8);
    assert!(!store.compact(&ALL).unwrap());
    assert_eq!(recovered(&fs).1.len(), 8);
}

/// What is above the horizon of a merge is read again, because a removal there may end a put that is stored later.
#[test]
fn a_merge_states_what_each_log_holds_up_to_its_horizon() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let mut ends = vec![fs.get(&path(Name::Log(1))).unwrap().len() as u64];
    for n in 0..4u8 {
        remove(&store, &[n]).unwrap();
        ends.push(fs.get(&path(Name::Log(1))).unwrap().len() as u64);
    }
    let listing = list(&fs, &dir(), &identity()).unwrap();
    let (view, _) = View::new(Share::ALL, 0, 0).read(&dir(), listing, &[]).unwrap();
    for (horizon, end) in (0u16..).zip(ends) {
        let stated = view.logs[&1].stated_to(horizon.into()).unwrap();
        assert_eq!((stated.len, stated.removals), (end, horizon));
    }
}

/// A process, a key, a sequence, and the tags that the result will have.
type Begun = (usize, Vec<u8>, u64, Vec<u8>);

/// A file, what a record has in place of the value, and the value.
type Made = (NewValue, Vec<u8>, Vec<u8>);

/// Three processes that do anything in any order, and what they may find.
struct World {
    fs: MemFs,
    stores: Vec<Option<Store>>,
    /// What is on disk. A change is there when it has returned.
    model: Entries,
    /// When the computations of the values began that count last, also of those that a tag has ended; and their tags.
    stored: BTreeMap<Vec<u8>, (u64, Vec<u8>)>,
    /// Computations that have begun: process, key, and the sequence at that time.
    begun: Vec<Begun>,
    /// Of some of these, the file of the value, which is made long before the record.
    files: BTreeMap<Begun, Made>,
    /// The tags that were removed, and when.
    ended_tags: Vec<(Tag, u64)>,
    /// Whether its key was removed since the computation at the same place began.
    ended: Vec<bool>,
    random: Random,
    steps: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            fs: MemFs::new(),
            stores: (0..3).map(|_| None).collect(),
            model: Entries::new(),
            stored: BTreeMap::new(),
            begun: Vec::new(),
            files: BTreeMap::new(),
            ended_tags: Vec::new(),
            ended: Vec::new(),
            random: Random::new(seed),
            steps: 0,
        }
    }

    fn key(&mut self) -> Vec<u8> {
        vec![b'a' + u8::try_from(self.random.below(8)).unwrap()]
    }

    fn step(&mut self, about: &str) {
        self.steps += 1;
        let n = self.random.below(3);
        let Some(store) = self.stores[n].take() else {
            let (store, recovery, found) = open(&self.fs);
            assert!(recovery.damage.is_empty(), "{about}: {recovery:?}");
            assert_eq!(found, self.model, "{about}: opened");
            self.stores[n] = Some(store);
            return;
        };
        match self.random.below(20) {
            0..=3 => {
                let begun = (n, self.key(), store.since(), self.tags());
                if self.random.below(3) == 0 && !self.files.contains_key(&begun) {
                    let value = format!("{about} {}", "x".repeat(APART_FROM)).into_bytes();
                    let mut file = store.new_value().unwrap();
                    file.write(&value).unwrap();
                    let reference = store.finish_value(&mut file).unwrap();
                    self.files.insert(begun.clone(), (file, reference, value));
                }
                self.begun.push(begun);
                self.ended.push(false);
            }
            4..=9 => self.end_computation(n, &store, about),
            10 | 11 => self.remove(&store),
            12 => self.remove_tag(&store),
            13 => self.clear(&store),
            14 | 15 => {
                store.merge(&ALL).unwrap();
                if self.random.below(2) == 0 {
                    store.follow(&mut |_| ()).unwrap();
                }
            }
            16 => store.heal_now().unwrap(),
            17 => {
                self.forget_computations(n);
                return;
            }
            _ => {
                store.follow(&mut |_| ()).unwrap();
                assert_eq!(contents(&store).unwrap(), self.model, "{about}: followed");
                assert!(store.recovery().damage.is_empty(), "{about}");
            }
        }
        self.stores[n] = Some(store);
    }

    /// The process ends: its store was taken.
    fn forget_computations(&mut self, n: usize) {
        let mut ended = std::mem::take(&mut self.ended).into_iter();
        let begun = std::mem::take(&mut self.begun);
        for computation in begun {
            let was_ended = ended.next().unwrap();
            if computation.0 == n {
                self.files.remove(&computation);
            } else {
                self.begun.push(computation);
                self.ended.push(was_ended);
            }
        }
    }

    /// A process that was computing writes its result. It counts if nothing has removed the key meanwhile.
    fn end_computation(&mut self, n: usize, store: &Store, about: &str) {
        let Some(at) = self.begun.iter().position(|(process, ..)| *process == n) else { return };
        let begun = self.begun.remove(at);
        let mut made = self.files.remove(&begun);
        let (_, key, since, tags) = begun;
        let was_ended = self.ended.remove(at);
        // Of those that count, the one that began last does.
        let is_newest = self.stored.get(&key).is_none_or(|(stored, _)| *stored <= since);
        let has_ended_tag = self.ended_tags.iter().any(|(tag, at)| *at > since && has(&tags, *tag));
        if is_newest == has_ended_tag && self.model.contains_key(&key) == has_ended_tag {
            // Of two values with different tags, the one that began last is ended by its tag. Whether the other one
            // counts depends on merges.
            return;
        }
        let short = format!("{} {about}", self.steps).into_bytes();
        let value = made.as_ref().map_or(&short, |(_, _, value)| value).clone();
        let replaces = self.random.below(3) == 0;
        let queue = if replaces { Store::queue_replacing } else { Store::queue };
        let record = match &made {
            Some((_, value, _)) => {
                let (key, cost, tags) = (&key, Cost::UNKNOWN, &tags);
                Record::Put { key, value, apart: true, created: 1, expires: None, cost, tags }
            }
            None => tagged(&key, &value, &tags),
        };
        let ticket = queue(store, record, since);
        if let Some((file, ..)) = &mut made {
            file.keep();
        }
        store.commit(ticket).unwrap();
        drop(made);
        if store.is_overtaken(ticket) {
            return;
        }
        if replaces {
            // What was begun before does not come in its place.
            for ((_, begun, at, _), ended) in self.begun.iter().zip(&mut self.ended) {
                *ended |= *begun == key && *at < since;
            }
        }
        if !was_ended && is_newest {
            self.stored.insert(key.clone(), (since, tags));
            if !has_ended_tag {
                self.model.insert(key, value);
            }
        }
    }

    fn remove(&mut self, store: &Store) {
        let key = self.key();
        remove(store, &key).unwrap();
        self.model.remove(&key);
        for ((_, begun, ..), ended) in self.begun.iter().zip(&mut self.ended) {
            *ended |= *begun == key;
        }
    }

    /// Returns none, one or two of three tags.
    fn tags(&mut self) -> Vec<u8> {
        let count = self.random.below(3);
        tag_bytes(&(0..count).map(|_| self.tag()).collect::<Vec<_>>())
    }

    fn tag(&mut self) -> Tag {
        Tag::new(&self.random.below(3))
    }

    fn remove_tag(&mut self, store: &Store) {
        let tag = self.tag();
        remove(store, &tag_key(tag)).unwrap();
        self.ended_tags.push((tag, store.since()));
        self.model.retain(|key, _| !has(&self.stored[key].1, tag));
    }

    fn clear(&mut self, store: &Store) {
        if self.random.below(4) == 0 {
            store.commit_removal(store.queue(Record::Clear, 0)).unwrap();
            self.model.clear();
            self.ended.iter_mut().for_each(|ended| *ended = true);
        }
    }
}

/// Returns whether a tag is among those of a record.
fn has(record_tags: &[u8], tag: Tag) -> bool {
    tags(record_tags).any(|other| other == tag)
}

/// `MEMOKIT_PROCESSES_SEED` sets the seed to begin with, so that a failure can be reproduced.
#[test]
fn three_processes_find_what_a_model_has() {
    let first = std::env::var("MEMOKIT_PROCESSES_SEED").map_or(1, |n| n.parse().unwrap());
    for seed in first..first + 200 {
        let mut world = World::new(seed);
        for step in 0..200 {
            world.step(&format!("seed {seed}, step {step}"));
        }
        assert_eq!(recovered(&world.fs).1, world.model, "seed {seed}");
        world.files.clear();
        world.stores.clear();
        let (store, ..) = open(&world.fs);
        store.merge(&ALL).unwrap();
        assert_eq!(value_files(&world.fs), kept_apart(&world.model), "seed {seed}");
        assert_eq!(recovered(&world.fs).1, world.model, "seed {seed}");
    }
}

#[test]
fn a_reader_notices_removals_by_a_process_that_has_filled_the_page_anew() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    write(&first, put(b"a", b"v")).unwrap();
    remove(&first, b"b").unwrap();
    let reader = open_to_read(&fs);
    drop(first);
    let (second, ..) = open(&fs);
    remove(&second, b"a").unwrap();
    assert!(is_behind(&reader));
    assert_eq!(follow(&reader), (Entries::new(), vec![key(b"a")]));
}

/// The page stays as it is while it is being filled, because the process that filled it was killed.
#[test]
fn a_reader_follows_while_the_page_is_being_filled() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    write(&first, put(b"a", b"v")).unwrap();
    let reader = open_to_read(&fs);
    remove(&first, b"a").unwrap();
    drop(first);
    let page = fs.page(&path(Name::State), false).unwrap();
    page.words()[1].store(7, Ordering::SeqCst);
    assert!(is_behind(&reader));
    assert_eq!(follow(&reader), (Entries::new(), vec![key(b"a")]));
}

#[test]
fn what_is_removed_while_a_process_begins_to_write_is_noticed_later() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    for name in [b"a", b"b"] {
        write(&first, put(name, b"v")).unwrap();
    }
    let second = open_to_read(&fs);
    remove(&first, b"a").unwrap();
    second.begin(&mut |_| remove(&first, b"b").unwrap()).unwrap();
    assert!(is_behind(&second));
    assert_eq!(follow(&second), (Entries::new(), vec![key(b"b")]));
}

/// What is removed between the horizon and the second attempt may not be committed yet, and has a lower number.
#[test]
fn an_overtaken_result_does_not_count_over_a_removal_that_is_not_committed() {
    let fs = MemFs::new();
    let (writer, ..) = open(&fs);
    let (other, ..) = open(&fs);
    let since = writer.since();
    write(&other, put(b"a", b"v")).unwrap();
    let overtaken = writer.queue(put(b"k", b"stale"), since);
    other.merge(&ALL).unwrap();
    writer.commit(overtaken).unwrap();
    assert!(writer.is_overtaken(overtaken));
    let removal = other.queue(Record::Remove { key: b"k" }, 0);
    let again = writer.queue(put(b"k", b"stale"), since.max(writer.horizon()));
    writer.commit(again).unwrap();
    assert!(!writer.is_overtaken(again));
    assert_eq!(value(&writer, b"k").unwrap().unwrap(), b"stale", "nothing was removed yet");
    other.commit_removal(removal).unwrap();
    for store in [&writer, &other] {
        assert_eq!(follow(store).0, entries([("a", "v")]));
    }
    assert_eq!(recovered(&fs).1, entries([("a", "v")]));
}

#[test]
fn one_thread_merges_at_a_time() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"a", b"v")).unwrap();
    std::thread::scope(|scope| {
        let (store, merge) = (&store, || store.merge(&ALL).unwrap());
        let is_begun = std::cell::Cell::new(false);
        let is_used = |_: &[u8]| {
            if !is_begun.replace(true) {
                let (ended, has_ended) = std::sync::mpsc::channel();
                scope.spawn(move || {
                    merge();
                    let _ = ended.send(());
                });
                let ended = has_ended.recv_timeout(Duration::from_millis(100));
                assert!(ended.is_err(), "the other thread waits");
            }
            true
        };
        store.merge(&Keep { max: 0, is_used: &is_used, ..ALL }).unwrap();
    });
    assert_eq!(recovered(&fs).1, entries([("a", "v")]));
}

#[test]
fn what_a_process_has_written_itself_is_no_loss_when_it_reads_on() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let log = || list(&fs, &dir(), &identity()).unwrap();
    let number = log().logs[0].number;
    let slot = crate::persist::state::SlotLog { log: number, len: log().logs[0].size };
    let mut view = View::new(Share::ALL, 1, 0).read(&dir(), log(), &[slot]).unwrap().0;
    remove(&store, b"a").unwrap();
    view.mark_own(number, log().logs[0].size);
    write(&store, put(b"b", b"v")).unwrap();
    let mut removed = Vec::new();
    view.read_log(number, log().logs[0].size, &mut |removal| removed.push(removal)).unwrap();
    assert_eq!(removed, []);
    assert_eq!(losses(&view.recovery), []);
    assert_eq!(view.entries(), 1);
}

/// Returns two processes of which the first lets results wait in memory.
fn deferring(fs: &MemFs) -> (Store, Store) {
    let (first, ..) = open_as(fs.clone(), &dir(), &identity(), Durability::None).unwrap();
    (first, open(fs).0)
}

#[test]
fn a_result_that_waits_in_memory_outlives_the_merges_of_others() {
    let fs = MemFs::new();
    let (waiting, other) = deferring(&fs);
    write(&waiting, put(b"k", b"old")).unwrap();
    let since = waiting.since();
    let newer = waiting.queue_replacing(put(b"k", b"new"), since);
    waiting.commit(newer).unwrap();
    write(&waiting, put(b"l", b"v")).unwrap();
    for name in [b"a", b"b"] {
        write(&other, put(name, b"v")).unwrap();
        other.merge(&ALL).unwrap();
    }
    waiting.flush().unwrap();
    let all = entries([("a", "v"), ("b", "v"), ("k", "new"), ("l", "v")]);
    assert_eq!(recovered(&fs).1, all);
    assert_eq!(follow(&other).0, all);
    assert_eq!(follow(&waiting).0, all);
}

#[test]
fn a_result_that_waits_in_memory_is_ended_by_a_removal_that_was_merged() {
    let fs = MemFs::new();
    let (waiting, other) = deferring(&fs);
    for name in [b"k", b"l", b"m"] {
        write(&waiting, put(name, b"v")).unwrap();
    }
    remove(&other, b"k").unwrap();
    other.merge(&ALL).unwrap();
    waiting.flush().unwrap();
    assert!(is_behind(&waiting), "memory does not know of it yet");
    let expected = entries([("l", "v"), ("m", "v")]);
    assert_eq!(follow(&waiting), (expected.clone(), vec![key(b"k")]));
    assert_eq!(recovered(&fs).1, expected);
    remove(&waiting, b"l").unwrap();
    other.merge(&ALL).unwrap();
    waiting.flush().unwrap();
    assert_eq!(recovered(&fs).1, entries([("m", "v")]));
}

#[test]
fn a_result_that_waits_in_memory_is_ended_by_a_removal_of_its_tag_that_was_merged() {
    let (tag, other_tag) = (Tag::new("t"), Tag::new("u"));
    for is_followed in [false, true] {
        let fs = MemFs::new();
        let (waiting, other) = deferring(&fs);
        let (one, both) = (tag_bytes(&[other_tag]), tag_bytes(&[other_tag, tag]));
        write(&waiting, tagged(b"k", b"v", &both)).unwrap();
        write(&waiting, tagged(b"l", b"v", &one)).unwrap();
        remove(&other, &tag_key(tag)).unwrap();
        if is_followed {
            assert_eq!(follow(&waiting).1, [Removal::Tag(tag)]);
        }
        other.merge(&ALL).unwrap();
        waiting.flush().unwrap();
        let expected = entries([("l", "v")]);
        assert_eq!(follow(&waiting).0, expected, "{is_followed}");
        assert_eq!(recovered(&fs).1, expected, "{is_followed}");
    }
}

/// Others may have the value in memory, whatever the durability of this process.
#[test]
fn a_removal_does_not_wait_in_memory() {
    let fs = MemFs::new();
    let (waiting, other) = deferring(&fs);
    write(&other, put(b"k", b"v")).unwrap();
    write(&other, put(b"l", b"v")).unwrap();
    remove(&waiting, b"k").unwrap();
    assert_eq!(follow(&other), (entries([("l", "v")]), vec![key(b"k")]));
    other.merge(&ALL).unwrap();
    waiting.clear().unwrap();
    assert_eq!(follow(&other), (Entries::new(), vec![Removal::All]));
}

/// What a failed write has left must not look like a damaged record.
#[test]
fn a_failed_write_of_what_waited_is_no_damage() {
    use crate::persist::Failure;
    for count in [1, u64::MAX] {
        let fs = MemFs::new();
        let (waiting, other) = deferring(&fs);
        for name in [b"k", b"l"] {
            write(&waiting, put(name, b"v")).unwrap();
        }
        fs.fail(Some(Failure { at: fs.operations(), count, errno: 5 }));
        assert!(waiting.flush().is_err());
        fs.fail(None);
        waiting.heal_now().unwrap();
        for store in [&waiting, &other] {
            assert!(!follow(store).0.contains_key(&b"l"[..]));
            assert_eq!(value(store, b"l").unwrap(), None);
            assert!(store.recovery().damage.is_empty(), "{:?}", store.recovery());
        }
        let memory = entries([("k", "v"), ("l", "v")]);
        checkpoint(&waiting, &memory).unwrap();
        waiting.flush().unwrap();
        let (recovery, found) = recovered(&fs);
        assert_eq!((found, recovery.damage.len()), (memory, 0));
    }
}

/// A tidier of temporary files may remove any file alone.
#[test]
fn a_process_whose_log_was_removed_begins_another_and_removes_what_that_may_have_removed() {
    for noticed_by_removal in [false, true] {
        let fs = MemFs::new();
        let (other, ..) = open(&fs);
        for name in [b"a", b"b", b"c"] {
            write(&other, put(name, b"v")).unwrap();
        }
        let (store, ..) = open(&fs);
        remove(&store, b"a").unwrap();
        assert!(!store.renew_lost_log().unwrap());
        fs.remove(&path(Name::Log(2))).unwrap();
        if noticed_by_removal {
            remove(&store, b"b").unwrap();
            assert!(!recovered(&fs).1.contains_key(&b"b"[..]));
        }
        assert!(store.renew_lost_log().unwrap() && !store.renew_lost_log().unwrap());
        assert_eq!(follow(&other), (Entries::new(), vec![Removal::All]));
        write(&store, put(b"c", b"v")).unwrap();
        let expected = entries([("c", "v")]);
        assert_eq!((follow(&other).0, recovered(&fs).1), (expected.clone(), expected));
    }
}

/// Who ends its log looks before whether it is there.
#[test]
fn a_snapshot_of_who_has_lost_its_log_brings_nothing_back() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    for name in [b"a", b"b"] {
        write(&store, put(name, b"v")).unwrap();
    }
    store.condense(&ALL).unwrap();
    let (log, _) = store.shared.own_log().unwrap();
    remove(&store, b"a").unwrap();
    fs.remove(&path(Name::Log(log))).unwrap();
    store.condense(&ALL).unwrap();
    assert!(!recovered(&fs).1.contains_key(&b"a"[..]));
    assert!(store.renew_lost_log().unwrap());
}

#[test]
fn a_process_that_reads_the_directory_again_notices_that_its_log_is_gone() {
    let fs = MemFs::new();
    let (other, ..) = open(&fs);
    write(&other, put(b"a", b"v")).unwrap();
    let (store, ..) = open(&fs);
    write(&store, put(b"b", b"v")).unwrap();
    fs.remove(&path(Name::Log(2))).unwrap();
    // After two snapshots the store reads all files anew, and does not find its own.
    for name in [b"c", b"d"] {
        write(&other, put(name, b"v")).unwrap();
        other.merge(&ALL).unwrap();
    }
    follow(&store);
    assert!(store.renew_lost_log().unwrap());
    remove(&store, b"a").unwrap();
    assert!(!follow(&other).0.contains_key(&b"a"[..]));
    assert!(!recovered(&fs).1.contains_key(&b"a"[..]));
}

#[test]
fn processes_whose_page_was_removed_meet_in_another() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    let (second, ..) = open(&fs);
    let reader = open_to_read(&fs);
    write(&first, put(b"a", b"v")).unwrap();
    assert!(follow(&reader).0.contains_key(&b"a"[..]));
    assert!([&first, &second, &reader].iter().all(|store| store.check().is_ok()));
    fs.remove_page(&path(Name::State));
    assert!([&first, &second, &reader].iter().all(|store| store.check().is_err()));
    assert!(first.flush().is_err(), "what is written is not found");
    drop(first);
    let late = open_to_read(&fs);
    let refused = late.begin(&mut |_| ()).unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    drop(second);
    late.begin(&mut |_| ()).unwrap();
    assert!(late.check().is_ok() && open(&fs).0.check().is_ok());
    assert_eq!(contents(&late).unwrap(), entries([("a", "v")]));
}

/// A later version may write a format that this one can read.
#[test]
fn a_log_of_a_later_format_is_read_and_not_continued() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    write(&first, put(b"a", b"v")).unwrap();
    drop(first);
    let mut log = fs.get(&path(Name::Log(1))).unwrap();
    let len = u32::from_le_bytes(log[12..16].try_into().unwrap()) as usize;
    log[8] += 1;
    let checksum = crate::platform::crc32c::crc32c(&log[..len - 4]);
    log[len - 4..len].copy_from_slice(&checksum.to_le_bytes());
    fs.put(&path(Name::Log(1)), log.clone());
    let (second, _, found) = open(&fs);
    assert_eq!(found, entries([("a", "v")]));
    write(&second, put(b"b", b"v")).unwrap();
    assert_eq!(fs.get(&path(Name::Log(1))), Some(log));
    assert_eq!(recovered(&fs).1.len(), 2);
}

/// The locks of a network file system exclude processes on other computers, but its pages are not shared with them.
#[test]
fn a_process_on_another_computer_reads_until_it_can_write_alone() {
    use crate::platform::host::elsewhere;
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    write(&first, put(b"a", b"a1")).unwrap();
    elsewhere::set(Some(7));
    let other = open_to_read(&fs);
    assert_eq!(contents(&other).unwrap(), entries([("a", "a1")]));
    let refused = other.begin(&mut |_| ());
    assert!(matches!(refused, Err(Error::OtherHost { .. })), "{refused:?}");
    elsewhere::set(None);
    write(&first, put(b"b", b"b1")).unwrap();
    remove(&first, b"a").unwrap();
    let (second, _, found) = open(&fs);
    assert_eq!(found, entries([("b", "b1")]), "the same computer shares the page");
    elsewhere::set(Some(7));
    assert_eq!(follow(&other).0, entries([("a", "a1")]), "nothing of the page is used");
    drop((first, second));
    let mut removed = Vec::new();
    other.begin(&mut |removal| removed.push(removal)).unwrap();
    assert_eq!(removed, [key(b"a")]);
    assert_eq!(contents(&other).unwrap(), entries([("b", "b1")]));
    write(&other, put(b"c", b"c1")).unwrap();
    elsewhere::set(None);
    let refused = open_to_read(&fs).begin(&mut |_| ());
    assert!(matches!(refused, Err(Error::OtherHost { .. })), "{refused:?}");
}

#[test]
fn a_record_whose_log_was_merged_after_its_horizon_was_seen_counts_once() {
    let fs = MemFs::new();
    let (merger, ..) = open(&fs);
    let (other, ..) = open(&fs);
    let reader = open_to_read(&fs);
    follow(&reader);
    // It is as new as the horizon of the next snapshot.
    other.commit(other.queue(put(b"k", b"v"), u64::MAX)).unwrap();
    drop(other);
    merger.merge(&ALL).unwrap();
    assert_eq!(follow(&reader), (entries([("k", "v")]), vec![]));
    remove(&merger, b"k").unwrap();
    assert_eq!(follow(&reader), (Entries::new(), vec![key(b"k")]));
}

#[test]
fn while_a_log_is_begun_nothing_that_was_removed_is_found() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    write(&store, put(b"k", b"old")).unwrap();
    store.merge(&ALL).unwrap();
    follow(&store);
    remove(&store, b"k").unwrap();
    let (log, _) = store.shared.own_log().unwrap();
    write(&store, put(b"k", b"new")).unwrap();
    // Another thread has switched the logs, and the reader of the new one is not there yet.
    let reader = store.shared.view.lock().logs.remove(&log).unwrap();
    assert_eq!(value(&store, b"k").unwrap(), None);
    assert_eq!(contents(&store).unwrap(), Entries::new());
    store.shared.view.lock().logs.insert(log, reader);
    assert_eq!(contents(&store).unwrap(), entries([("k", "new")]));
}

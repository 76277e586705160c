//! Tests files that something else has changed.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use super::model::Random;
use super::*;
use crate::persist::frame::{HEAD, decode_own};
use crate::persist::header::header_len;
use crate::persist::snapshot::{FOOTER, OVERHEAD};
use crate::persist::snapshot_filter::PAGE;

/// No key is put twice without a removal between, because the key of a record is unknown if its frame header is lost.
const CHANGES: [(&str, Option<&str>); 7] = [
    ("a", Some("a1")),
    ("b", Some("b1")),
    ("a", None),
    ("c", Some("c1")),
    ("a", Some("a2")),
    ("b", None),
    ("d", Some("d1")),
];

fn record(change: &(&'static str, Option<&'static str>)) -> Record<'static> {
    match change {
        (key, Some(value)) => put(key.as_bytes(), value.as_bytes()),
        (key, None) => Record::Remove { key: key.as_bytes() },
    }
}

fn state<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Entries {
    let mut entries = Entries::new();
    records.into_iter().for_each(|record| apply(&mut entries, record));
    entries
}

/// Returns a disk with the changes in one log, and the offset of each record and of the end.
fn logged() -> (MemFs, Vec<usize>) {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    CHANGES.iter().for_each(|change| write(&store, record(change)).unwrap());
    let mut offsets = vec![header_len(&identity())];
    let log = fs.get(&path(Name::Log(1))).unwrap();
    for (head, _) in decode_own(&log[offsets[0]..]) {
        offsets.push(offsets.last().unwrap() + head.total());
    }
    assert_eq!(offsets.len(), CHANGES.len() + 1);
    (fs.after_process_death(), offsets)
}

fn with(fs: &MemFs, name: Name, bytes: &[u8]) -> (Recovery, Entries) {
    let image = fs.after_process_death();
    image.put(&path(name), bytes.to_vec());
    recovered(&image)
}

#[test]
fn a_log_cut_at_any_byte_gives_the_records_before() {
    let (fs, offsets) = logged();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    for len in 0..=log.len() {
        let (recovery, found) = with(&fs, Name::Log(1), &log[..len]);
        let whole = offsets.iter().skip(1).filter(|end| **end <= len).count();
        assert_eq!(found, state(CHANGES[..whole].iter().map(record)), "{len}");
        let clean = offsets.contains(&len);
        assert_eq!(losses(&recovery).is_empty(), clean, "{len}: {recovery:?}");
    }
}

#[test]
fn a_log_with_any_bit_flipped_gives_no_stale_value() {
    let (fs, offsets) = logged();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    for bit in 0..log.len() * 8 {
        let mut bytes = log.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (recovery, found) = with(&fs, Name::Log(1), &bytes);
        let at = bit / 8;
        assert!(!recovery.discarded.is_empty(), "{at}: a flip goes unnoticed");
        if at < offsets[0] {
            assert_eq!(found, Entries::new(), "{at}");
            continue;
        }
        let damaged = offsets.iter().skip(1).position(|end| at < *end).unwrap();
        let (before, after) = (&CHANGES[..damaged], &CHANGES[damaged + 1..]);
        // A removal whose key is not known may have removed any entry. A head that is lost is one, if a later head
        // counts more removals than there are.
        let substitute = matches!(CHANGES[damaged], (_, None)).then_some(Record::Clear);
        let records = before.iter().map(record).chain(substitute).chain(after.iter().map(record));
        assert_eq!(found, state(records), "{at}: {recovery:?}");
    }
}

#[test]
fn damage_in_a_log_is_copied_to_quarantine_once() {
    let (fs, offsets) = logged();
    let mut log = fs.get(&path(Name::Log(1))).unwrap();
    log[offsets[1]] ^= 1;
    fs.put(&path(Name::Log(1)), log.clone());
    for _ in 0..5 {
        let (_, recovery, _) = open(&fs);
        assert_eq!(losses(&recovery), [Loss::BadStretch]);
    }
    let copies: Vec<_> =
        fs.paths().into_iter().filter(|p| p.starts_with(dir().join("quarantine"))).collect();
    assert_eq!(copies.len(), 1);
    assert_eq!(fs.get(&copies[0]), Some(log.clone()));
    assert_eq!(fs.get(&path(Name::Log(1))), Some(log), "recovery changes no file");
}

/// Returns a disk with a snapshot of three entries, and a log that removes one and adds one.
fn snapshotted() -> MemFs {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    checkpoint(&store, &entries([("a", "a1"), ("b", "b1"), ("c", "c1")])).unwrap();
    store.heal_now().unwrap();
    store.merge(&ALL).unwrap();
    write(&store, Record::Remove { key: b"a" }).unwrap();
    write(&store, put(b"d", b"d1")).unwrap();
    let image = fs.after_process_death();
    let names = image.paths().into_iter().filter(|path| !path.ends_with("LOCK"));
    assert_eq!(names.collect::<Vec<_>>(), [path(SNAPSHOT), path(Name::Log(3))]);
    image
}

const SNAPSHOT: Name = Name::Snapshot(4);

/// Opens the disk with another snapshot. Returns which of its keys are found, each asked for by itself, and whether
/// damage was noticed.
fn with_snapshot(fs: &MemFs, bytes: &[u8]) -> (Entries, bool) {
    let image = fs.after_process_death();
    image.put(&path(SNAPSHOT), bytes.to_vec());
    let (store, ..) = open(&image);
    let mut found = Entries::new();
    for key in [b"a", b"b", b"c", b"d"] {
        found.extend(value(&store, key).unwrap().map(|value| (key.to_vec(), value)));
    }
    (found, !store.recovery().damage.is_empty())
}

/// Returns the length of a header.
fn start_of(file: &[u8]) -> usize {
    u32::from_le_bytes(file[12..16].try_into().unwrap()) as usize
}

/// Returns where the records of a snapshot end, and where its index does.
fn parts(snapshot: &[u8]) -> (usize, usize) {
    let (index, filter) = (snapshot.len() - OVERHEAD, snapshot.len() - FOOTER - PAGE);
    let start = start_of(snapshot);
    let records: usize =
        decode_own(&snapshot[start..index]).take(3).map(|(head, _)| head.total()).sum();
    assert_eq!(start + records, index);
    (index, filter)
}

#[test]
fn a_snapshot_with_any_bit_flipped_gives_no_stale_value() {
    let fs = snapshotted();
    let snapshot = fs.get(&path(SNAPSHOT)).unwrap();
    let whole = entries([("b", "b1"), ("c", "c1"), ("d", "d1")]);
    let (index, filter) = parts(&snapshot);
    let is_in_filter = |at| (filter..snapshot.len() - FOOTER).contains(&at);
    for_each(0..snapshot.len() * 8, |bit| {
        let mut bytes = snapshot.clone();
        let at = bit / 8;
        // One of each byte: they are many, and all the same to a checksum.
        if is_in_filter(at) && bit % 8 != at % 8 {
            return;
        }
        bytes[at] ^= 1 << (bit % 8);
        let (found, is_noticed) = with_snapshot(&fs, &bytes);
        assert!(found.iter().all(|(k, v)| whole.get(k) == Some(v)), "{bit}: {found:?}");
        assert!(is_noticed, "{bit}: a flip goes unnoticed");
        let least = match at {
            // Without a header it is not known what the snapshot replaces.
            _ if at < start_of(&snapshot) => 0,
            _ if at < index => 2,
            // One block has all entries.
            _ if at < filter => 1,
            // Nothing is lost without the filter, or without the footer.
            _ => 3,
        };
        assert!(found.len() >= least, "{bit}: {found:?}");
        assert!(least == 0 || found.contains_key(&b"d"[..]), "{bit}");
    });
}

#[test]
fn a_snapshot_cut_at_any_byte_gives_what_can_be_read() {
    let fs = snapshotted();
    let snapshot = fs.get(&path(SNAPSHOT)).unwrap();
    let whole = entries([("b", "b1"), ("c", "c1"), ("d", "d1")]);
    let (index, _) = parts(&snapshot);
    for_each(0..snapshot.len(), |len| {
        let (found, is_noticed) = with_snapshot(&fs, &snapshot[..len]);
        assert!(is_noticed, "{len}");
        assert!(found.iter().all(|(k, v)| whole.get(k) == Some(v)), "{len}: {found:?}");
        assert_eq!(found.contains_key(&b"d"[..]), len >= start_of(&snapshot), "{len}");
        assert!(len < index || found.len() == 3, "{len}: {found:?}");
    });
}

/// The logs between the older and the newer snapshot are gone, and with them what they removed.
#[test]
fn an_incomplete_snapshot_is_read_as_far_as_it_goes_and_an_older_one_is_not() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    checkpoint(&store, &entries([("a", "a1"), ("gone", "x")])).unwrap();
    let older = (path(Name::Snapshot(2)), fs.get(&path(Name::Snapshot(2))).unwrap());
    write(&store, put(b"b", b"b1")).unwrap();
    remove(&store, b"gone").unwrap();
    store.heal_now().unwrap();
    store.merge(&ALL).unwrap();
    write(&store, put(b"c", b"c1")).unwrap();
    let image = fs.after_process_death();
    image.put(&older.0, older.1);
    let mut newest = fs.get(&path(Name::Snapshot(4))).unwrap();
    newest.truncate(newest.len() - 1);
    image.put(&path(Name::Snapshot(4)), newest);
    let expected = entries([("a", "a1"), ("b", "b1"), ("c", "c1")]);
    let (store, recovery, found) = open(&image);
    assert_eq!(found, expected);
    assert_eq!(losses(&recovery), [Loss::BadFile]);
    drop(store);
    let (store, _, found) = open(&image);
    assert_eq!(found, expected, "and again once a copy is in quarantine");
    store.merge(&ALL).unwrap();
    let (recovery, found) = recovered(&image);
    assert_eq!((found, losses(&recovery)), (expected, vec![]));
}

/// A record that is older than the horizon of a snapshot counts only if the snapshot has it.
#[test]
fn a_snapshot_of_which_nothing_is_left_does_not_bring_back_what_it_had_ended() {
    let fs = MemFs::new();
    let (writer, ..) = open(&fs);
    let (merger, ..) = open(&fs);
    write(&writer, put(b"other", b"v")).unwrap();
    let since = writer.since();
    remove(&merger, b"k").unwrap();
    merger.heal_now().unwrap();
    merger.merge(&ALL).unwrap();
    merger.follow(&mut |_| ()).unwrap();
    let late = writer.queue(put(b"k", b"stale"), since);
    writer.commit(late).unwrap();
    assert!(writer.is_overtaken(late));
    let image = fs.after_process_death();
    assert_eq!(recovered(&image).1, entries([("other", "v")]));
    let snapshot = image.paths().into_iter().find(|p| p.to_string_lossy().contains("snap-"));
    let snapshot = snapshot.unwrap();
    let bytes = image.get(&snapshot).unwrap();
    for len in [0, 1, 8, 50, header_len(&identity()) - 1, header_len(&identity())] {
        image.put(&snapshot, bytes[..len].to_vec());
        assert_eq!(value(&open(&image.after_process_death()).0, b"k").unwrap(), None, "{len}");
        image.put(&snapshot, vec![0; len]);
        assert_eq!(value(&open(&image.after_process_death()).0, b"k").unwrap(), None, "{len}");
    }
}

/// Returns a disk with a log of 64 KiB, the pairs in the log, and the offset of each record and of the end.
fn long_log() -> (MemFs, Pairs, Vec<usize>) {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    let mut pairs = Vec::new();
    let mut offsets = vec![header_len(&identity())];
    while *offsets.last().unwrap() < 64 << 10 {
        let n = pairs.len();
        let pair =
            (n.to_string().into_bytes(), format!("{n} {}", "x".repeat(n * 37 % 1000)).into_bytes());
        write(&store, put(&pair.0, &pair.1)).unwrap();
        offsets.push(offsets.last().unwrap() + HEAD + pair.0.len() + pair.1.len());
        pairs.push(pair);
    }
    (fs.after_process_death(), pairs, offsets)
}

/// Calls `check` for each of `cases`, on every core.
fn for_each(cases: std::ops::Range<usize>, check: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(cases.start);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let case = next.fetch_add(1, Relaxed)
                    && case < cases.end
                {
                    check(case);
                }
            });
        }
    });
}

#[test]
fn a_log_of_64_kib_cut_at_any_byte_gives_the_records_before() {
    let (fs, pairs, offsets) = long_log();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    for_each(0..log.len(), |len| {
        let mut found = Vec::new();
        let image = MemFs::new();
        image.put(&path(Name::Log(1)), log[..len].to_vec());
        let image = Arc::new(image);
        let store = Store::open(image, &Place::alone(&dir()), &identity(), Durability::Os).unwrap();
        let each = &mut |record: Record<'_>| match record {
            Record::Put { key, value, .. } => {
                found.push((key.to_vec(), value.to_vec()));
            }
            other => panic!("{len}: {other:?}"),
        };
        store.for_each(each).unwrap();
        let whole = offsets.iter().skip(1).filter(|end| **end <= len).count();
        assert!(found == pairs[..whole], "{len}");
    });
}

/// Damages `bytes` as disks and programs do: zeroes, fills, cuts out, copies, reverses or swaps stretches and blocks,
/// or flips a bit. Appends up to 64 zeros.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(6) {
        let unit = [1, 24, 512, 4096][random.below(4)];
        let len = unit.min(bytes.len() / 3);
        let [from, to] = [0; 2].map(|_: usize| random.below(bytes.len() - len + 1) / unit * unit);
        let piece = bytes[from..from + len].to_vec();
        match random.below(7) {
            0 => bytes[from..from + len].fill(0),
            1 => bytes[from..from + len].fill(0xff),
            2 => drop(bytes.drain(from..from + len)),
            3 => drop(bytes.splice(to..to, piece)),
            4 => bytes[from..from + len].reverse(),
            5 => bytes[from] ^= 1 << random.below(8),
            _ => {
                let other = bytes[to..to + len].to_vec();
                bytes[to..to + len].copy_from_slice(&piece);
                bytes[from..from + len].copy_from_slice(&other);
            }
        }
        bytes.extend_from_slice(&[0; 64][..random.below(65)]);
    }
}

#[test]
fn random_damage_gives_no_entry_that_was_not_written() {
    let (long, pairs, _) = long_log();
    let (short, _) = logged();
    let snapshot = snapshotted();
    let mut written: Entries = pairs.into_iter().collect();
    written.extend(entries([("a", "a2"), ("b", "b1"), ("c", "c1"), ("d", "d1")]));
    let files = [(long, Name::Log(1)), (short, Name::Log(1)), (snapshot, SNAPSHOT)];
    let files = files.map(|(fs, name)| (fs.get(&path(name)).unwrap(), name, fs));
    for_each(0..10_000, |case| {
        let mut random = Random::new(case as u64 + 1);
        let (bytes, name, fs) = &files[[1, 1, 2, 2, 0][case % 5]];
        let mut bytes = bytes.clone();
        damage(&mut bytes, &mut random);
        let (_, found) = with(fs, *name, &bytes);
        for (key, value) in found {
            let first = key == b"a" && value == b"a1";
            assert!(first || written.get(&key) == Some(&value), "{case}: {key:?}");
        }
    });
}

/// Returns the entries recovered from a log of `records`. A bit is flipped in record `damaged`, `offset` bytes after
/// its frame header.
fn flipped(records: &[Record<'_>], damaged: usize, offset: usize) -> Entries {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    records.iter().for_each(|record| write(&store, *record).unwrap());
    let mut log = fs.get(&path(Name::Log(1))).unwrap();
    let start = header_len(&identity());
    let skipped: usize =
        decode_own(&log[start..]).take(damaged).map(|(head, _)| head.total()).sum();
    log[start + skipped + HEAD + offset] ^= 1;
    with(&fs, Name::Log(1), &log).1
}

#[test]
fn a_damaged_record_does_not_bring_back_what_it_replaced() {
    let (old, new) = (put(b"k", b"old"), put(b"k", b"new"));
    assert_eq!(flipped(&[old, new], 1, 1), Entries::new());
    // Whose value it is is not known. Neither value is wrong: the function computed both.
    assert_eq!(flipped(&[old, new], 1, 0), entries([("k", "old")]));
    assert_eq!(
        flipped(&[old, Record::Remove { key: b"k" }, put(b"l", b"w")], 1, 0),
        entries([("l", "w")])
    );
    assert_eq!(flipped(&[old, old, new], 1, 0), entries([("k", "new")]));
    assert_eq!(flipped(&[old, old, new, Record::Clear], 1, 0), Entries::new());
}

#[test]
fn a_damaged_put_that_replaces_does_not_bring_back_the_old_value() {
    for offset in 0..2 {
        let fs = MemFs::new();
        let (store, ..) = open(&fs);
        write(&store, put(b"k", b"old")).unwrap();
        let since = store.since();
        store.commit(store.queue_replacing(put(b"k", b"new"), since)).unwrap();
        let mut log = fs.get(&path(Name::Log(1))).unwrap();
        let end = log.len();
        log[end - 1 - offset] ^= 1;
        assert_eq!(with(&fs, Name::Log(1), &log).1.get(&b"k"[..]), None, "{offset}");
    }
}

#[test]
fn a_log_that_a_crash_has_torn_is_never_written_again() {
    let (fs, offsets) = logged();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    let torn = log[..offsets[3] + 5].to_vec();
    fs.put(&path(Name::Log(1)), torn.clone());
    let (store, _, found) = open(&fs);
    assert_eq!(found, state(CHANGES[..3].iter().map(record)));
    write(&store, put(b"z", b"z1")).unwrap();
    assert_eq!(fs.get(&path(Name::Log(1))), Some(torn));
    let mut expected = found;
    apply(&mut expected, put(b"z", b"z1"));
    assert_eq!(recovered(&fs).1, expected);
    store.merge(&ALL).unwrap();
    assert_eq!(fs.get(&path(Name::Log(1))), None);
    assert_eq!(recovered(&fs).1, expected);
}

#[test]
fn a_log_cut_at_the_end_of_a_record_is_detected_from_the_next_log() {
    let at = |count| header_len(&identity()) + count * (HEAD + 2);
    for last in [put(b"l", b"w"), Record::Remove { key: b"k" }] {
        let fs = MemFs::new();
        let (store, ..) = open(&fs);
        write(&store, put(b"k", b"v")).unwrap();
        write(&store, last).unwrap();
        store.flush().unwrap();
        store.heal_now().unwrap();
        write(&store, put(b"m", b"x")).unwrap();
        let log = fs.get(&path(Name::Log(1))).unwrap();
        for len in 0..=at(1) {
            let image = fs.after_process_death();
            image.put(&path(Name::Log(1)), log[..len].to_vec());
            let (recovery, found) = recovered(&image);
            let is_headless = len < at(0);
            let kept = if is_headless { entries([]) } else { entries([("m", "x")]) };
            assert_eq!(found, kept, "{len}: what was removed is not known");
            let loss = if is_headless { Loss::BadFile } else { Loss::CutShort };
            assert!(losses(&recovery).contains(&loss), "{recovery:?}");
        }
        fs.put(&path(Name::Log(1)), log[..at(1)].to_vec());
        for _ in 0..2 {
            let (recovery, _) = recovered(&fs);
            let expected = Error::Corrupt {
                path: path(Name::Log(1)),
                offset: at(1) as u64,
                reason: Loss::CutShort.to_string(),
            };
            assert_eq!(recovery.damage[0].to_string(), expected.to_string());
        }
    }
}

/// What is missing of one log may have removed what another process wrote meanwhile.
#[test]
fn a_log_cut_short_ends_what_other_logs_hold_from_that_time() {
    let fs = MemFs::new();
    let (first, ..) = open(&fs);
    let (second, ..) = open(&fs);
    write(&first, put(b"a", b"a1")).unwrap();
    let start = fs.get(&path(Name::Log(1))).unwrap();
    for n in 0..5u8 {
        write(&second, put(&[n], b"v")).unwrap();
    }
    write(&second, put(b"k", b"stale")).unwrap();
    remove(&first, b"k").unwrap();
    first.flush().unwrap();
    first.heal_now().unwrap();
    write(&first, put(b"m", b"x")).unwrap();
    let image = fs.after_process_death();
    image.put(&path(Name::Log(1)), start);
    let (recovery, found) = recovered(&image);
    assert_eq!(found, entries([("m", "x")]));
    assert_eq!(losses(&recovery), [Loss::CutShort]);
}

/// A reader that begins within a log does not know how many removals come before.
#[test]
fn a_removal_that_is_damaged_just_behind_what_a_snapshot_has_is_missed() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    checkpoint(&store, &entries([("k", "stale"), ("l", "w")])).unwrap();
    let removal = fs.get(&path(Name::Log(1))).unwrap().len();
    remove(&store, b"k").unwrap();
    write(&store, put(b"m", b"x")).unwrap();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    for at in removal..removal + HEAD + 1 {
        let mut log = log.clone();
        log[at] ^= 1;
        let (recovery, found) = with(&fs, Name::Log(1), &log);
        assert_eq!(found, entries([("m", "x")]), "{at}");
        assert!(!recovery.damage.is_empty(), "{at}");
    }
}

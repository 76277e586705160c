//! Files that were changed by something else.

use super::*;
use crate::persist::frame::{HEAD, decode_own};
use crate::persist::header::header_len;

/// No key is put twice without a removal between: of a record whose head is lost nobody knows the key.
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

/// A disk with the changes in one log, and the offset of each record with that of the end.
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
        let clean = len == 0 || offsets.contains(&len);
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
        let hit = offsets.iter().skip(1).position(|end| at < *end).unwrap();
        let (before, after) = (&CHANGES[..hit], &CHANGES[hit + 1..]);
        let stand_in = match CHANGES[hit] {
            _ if at >= offsets[hit] + HEAD => {
                Some(Record::Remove { key: CHANGES[hit].0.as_bytes() })
            }
            (_, None) if !after.is_empty() => Some(Record::Clear),
            _ => None,
        };
        let records = before.iter().map(record).chain(stand_in).chain(after.iter().map(record));
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

/// A disk with a snapshot of three entries, and a log that removes one and adds one.
fn snapshotted() -> MemFs {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    checkpoint(&store, &entries([("a", "a1"), ("b", "b1"), ("c", "c1")])).unwrap();
    write(&store, Record::Remove { key: b"a" }).unwrap();
    write(&store, put(b"d", b"d1")).unwrap();
    fs.after_process_death()
}

#[test]
fn a_snapshot_with_any_bit_flipped_loses_one_entry_at_most() {
    let fs = snapshotted();
    let snapshot = fs.get(&path(Name::Snapshot(2))).unwrap();
    let whole = entries([("b", "b1"), ("c", "c1"), ("d", "d1")]);
    for bit in 0..snapshot.len() * 8 {
        let mut bytes = snapshot.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (recovery, found) = with(&fs, Name::Snapshot(2), &bytes);
        assert!(found.iter().all(|(k, v)| whole.get(k) == Some(v)), "{bit}: {found:?}");
        assert!(!recovery.discarded.is_empty(), "{bit}: a flip goes unnoticed");
        let least = if bit / 8 < header_len(&identity()) { 1 } else { 2 };
        assert!(found.len() >= least, "{bit}: {found:?}");
        assert!(found.contains_key(&b"d"[..]), "{bit}");
    }
}

#[test]
fn a_snapshot_cut_at_any_byte_gives_what_can_be_read() {
    let fs = snapshotted();
    let snapshot = fs.get(&path(Name::Snapshot(2))).unwrap();
    let whole = entries([("b", "b1"), ("c", "c1"), ("d", "d1")]);
    for len in 0..snapshot.len() {
        let (_, found) = with(&fs, Name::Snapshot(2), &snapshot[..len]);
        assert!(found.iter().all(|(k, v)| whole.get(k) == Some(v)), "{len}: {found:?}");
        assert!(found.contains_key(&b"d"[..]), "{len}");
    }
}

#[test]
fn an_incomplete_snapshot_yields_to_the_one_before() {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    checkpoint(&store, &entries([("a", "a1")])).unwrap();
    write(&store, put(b"b", b"b1")).unwrap();
    let before: Vec<_> = [Name::Snapshot(2), Name::Log(2)]
        .map(|name| (path(name), fs.get(&path(name)).unwrap()))
        .into();
    checkpoint(&store, &entries([("a", "a1"), ("b", "b1")])).unwrap();
    write(&store, put(b"c", b"c1")).unwrap();
    let image = fs.after_process_death();
    for (path, bytes) in before {
        image.put(&path, bytes);
    }
    let mut newest = fs.get(&path(Name::Snapshot(3))).unwrap();
    newest.truncate(newest.len() - 1);
    image.put(&path(Name::Snapshot(3)), newest);
    let (store, recovery, found) = open(&image);
    assert_eq!(found, entries([("a", "a1"), ("b", "b1"), ("c", "c1")]));
    assert_eq!(losses(&recovery), [Loss::BadFile]);
    drop(store);
    assert_eq!(open(&image).2, found, "and again once it is in quarantine");
}

#[test]
fn random_damage_never_panics() {
    let (fs, _) = logged();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let values: Vec<_> = CHANGES.iter().filter_map(|(_, v)| *v).collect();
    for _ in 0..2000 {
        let mut bytes = log.clone();
        for _ in 0..=next(8) {
            let (at, len) = (next(bytes.len()), next(24));
            let end = (at + len).min(bytes.len());
            match next(4) {
                0 => bytes[at..end].fill(0),
                1 => bytes[at..end].fill(0xff),
                2 => drop(bytes.drain(at..end)),
                _ => bytes
                    .splice(at..at, log[at.min(log.len())..end.min(log.len())].to_vec())
                    .for_each(drop),
            }
            bytes.push(0);
        }
        let (_, found) = with(&fs, Name::Log(1), &bytes);
        assert!(found.values().all(|v| values.contains(&std::str::from_utf8(v).unwrap())));
    }
}

/// The log of these records, with one byte of record `hit` flipped at `offset` after its head.
fn flipped(records: &[Record<'_>], hit: usize, offset: usize) -> Entries {
    let fs = MemFs::new();
    let (store, ..) = open(&fs);
    records.iter().for_each(|record| write(&store, *record).unwrap());
    let mut log = fs.get(&path(Name::Log(1))).unwrap();
    let start = header_len(&identity());
    let skipped: usize = decode_own(&log[start..]).take(hit).map(|(head, _)| head.total()).sum();
    log[start + skipped + HEAD + offset] ^= 1;
    with(&fs, Name::Log(1), &log).1
}

#[test]
fn a_damaged_record_does_not_bring_back_what_it_replaced() {
    let (old, new) = (put(b"k", b"old"), put(b"k", b"new"));
    assert_eq!(flipped(&[old, new], 1, 0), Entries::new());
    assert_eq!(flipped(&[old, new], 1, 1), Entries::new());
    assert_eq!(
        flipped(&[old, Record::Remove { key: b"k" }, put(b"l", b"w")], 1, 0),
        entries([("l", "w")])
    );
    assert_eq!(flipped(&[old, old, new], 1, 0), entries([("k", "new")]));
    assert_eq!(flipped(&[old, old, new, Record::Clear], 1, 0), Entries::new());
}

#[test]
fn what_one_recovery_ignored_no_later_one_uses() {
    let (fs, offsets) = logged();
    let log = fs.get(&path(Name::Log(1))).unwrap();
    fs.put(&path(Name::Log(1)), log[..offsets[3] + 5].to_vec());
    let (store, _, found) = open(&fs);
    assert_eq!(found, state(CHANGES[..3].iter().map(record)));
    write(&store, put(b"z", b"z1")).unwrap();
    fs.put(&path(Name::Log(1)), log);
    let mut expected = found;
    apply(&mut expected, put(b"z", b"z1"));
    assert_eq!(recovered(&fs).1, expected);
}

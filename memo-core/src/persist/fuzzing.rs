//! The checks of the fuzz targets (fuzz/) on files. For any content, reading ends, and reading again gives the same
//! result.

use std::path::Path;
use std::sync::Arc;

use crate::platform::crc32c::{crc32c, crc32c_append};

use super::durability::Durability;
use super::file_name::Name;
use super::frame::{ChecksumSeed, HEAD, Head};
use super::fs::Fs;
use super::fs_mem::MemFs;
use super::header::{self, FileHeader, Kind, Start};
use super::identity::Identity;
use super::place::Place;
use super::record::Record;
use super::reference::{REFERENCE, Reference};
use super::snapshot::FOOTER;
use super::snapshot_filter::{PAGE, pages};
use super::snapshot_index::BLOCK;
use super::store::Store;
use super::value_file::Apart;

const DIR: &str = "/cache";

fn identity() -> Identity {
    Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 }
}

/// Reads `data` as the start of a file: once as it is, and once with a length and a checksum that are valid.
pub fn check_header(data: &[u8]) {
    let fs = MemFs::new();
    let path = Path::new("/h");
    for sealed in [false, true] {
        let mut bytes = data.to_vec();
        if sealed && bytes.len() > 20 {
            let len = 20 + usize::from(bytes[12]) % (bytes.len() - 19);
            bytes[12..16].copy_from_slice(&u32::try_from(len).unwrap_or(0).to_le_bytes());
            let crc = crc32c(&bytes[..len - 4]);
            bytes[len - 4..len].copy_from_slice(&crc.to_le_bytes());
        }
        fs.put(path, bytes.clone());
        let file = fs.open(path).expect("the file was just created");
        if let Start::Ours { header, len } =
            header::read(&*file).expect("reading from memory does not fail")
        {
            assert!(len <= bytes.len() as u64);
            assert!(header.to_bytes().len() as u64 <= len);
        }
    }
}

/// Reads `data` as the head of a record, with a valid checksum.
pub fn check_frame(data: &[u8]) {
    let Some(bytes) = data.first_chunk::<HEAD>() else { return };
    let seed = ChecksumSeed::of(7);
    let mut bytes = *bytes;
    seal(&mut bytes);
    if let Some(head) = Head::parse(&bytes, seed) {
        assert_eq!(head.to_bytes(seed), bytes);
        assert!(head.total() <= HEAD + super::MAX_KEY + super::MAX_VALUE);
    }
}

/// The salt of the files that are made here.
const SALT: u64 = 7;

/// Writes the checksum into the last four bytes that makes the others valid in a file with [`SALT`].
fn seal(bytes: &mut [u8]) {
    let (body, crc) = bytes.split_at_mut(bytes.len() - 4);
    crc.copy_from_slice(&crc32c_append(crc32c(&SALT.to_le_bytes()), body).to_le_bytes());
}

/// Reads the first bytes of `data` as a reference and the others as the file of its value. For one salt in two, the
/// header and the length are right, and for one in four the checksum too.
pub fn check_value(data: &[u8]) {
    let Some((reference, file)) = data.split_first_chunk::<REFERENCE>() else { return };
    let Some(reference) = Reference::parse(reference) else { return };
    let (fs, dir) = (MemFs::new(), Path::new(DIR));
    let mut bytes = file.to_vec();
    let mut reference = Reference { number: 1, ..reference };
    if reference.salt % 2 == 0 {
        bytes = [&reference.header()[..], file].concat();
        reference.len = file.len() as u64;
        if reference.salt % 4 == 0 {
            reference.crc = crc32c(file);
        }
    }
    fs.put(&Name::Value(1).at(dir), bytes);
    let read = reference.read(&fs, dir).expect("reading from memory does not fail");
    if let Apart::Value(value) = read {
        assert_eq!((value.len() as u64, crc32c(&value)), (reference.len, reference.crc));
    }
}

/// Reads `data` as the bytes after the header of a log.
pub fn check_log(data: &[u8]) {
    check_file(data, Kind::Log);
}

/// Reads `data` as the bytes after the header of a snapshot that is not complete.
pub fn check_snapshot(data: &[u8]) {
    check_file(data, Kind::Snapshot);
}

/// Reads `data` as a snapshot: the footer, which gets a valid checksum and length, then one block of the index and one
/// page of the filter, which get valid checksums, then records.
pub fn check_index(data: &[u8]) {
    let Some((footer, rest)) = data.split_at_checked(FOOTER) else { return };
    let (block, rest) = rest.split_at(rest.len().min(256));
    let (page, body) = rest.split_at(rest.len().min(64));
    let body = sealed_records(body);
    let header = header(Kind::Snapshot).to_bytes();
    let index_at = header.len() + body.len();
    // Every fourth filter lets all pass, and every fourth is damaged.
    let filter = match footer[1] % 4 {
        0 => sealed_page::<PAGE>(&[0xff; PAGE - 4]),
        1 => [1; PAGE],
        _ => sealed_page::<PAGE>(page),
    };
    let mut footer = footer.to_vec();
    // Every second one says where the index is.
    if footer[0] % 2 == 0 {
        footer[..8].copy_from_slice(&(index_at as u64).to_le_bytes());
        footer[8..16].copy_from_slice(&1u64.to_le_bytes());
        // As many entries as one page of the filter has room for, at most.
        footer[18..24].fill(0);
        footer[17] %= 8;
        let entries = u64::from(footer[16]) + 256 * u64::from(footer[17]);
        footer[24..32].copy_from_slice(&pages(entries).to_le_bytes());
        if footer[2] % 4 != 0 {
            // Totals that so many records may have.
            let of_all = [entries, entries / 2, entries].map(u64::to_le_bytes);
            footer[40..64].copy_from_slice(of_all.as_flattened());
        }
    }
    let len = index_at + BLOCK + PAGE + FOOTER;
    footer[72..80].copy_from_slice(&(len as u64).to_le_bytes());
    seal(&mut footer);
    let index = sealed_page::<BLOCK>(block).to_vec();
    check_bytes(Name::Snapshot(1), [header, body, index, filter.to_vec(), footer].concat());
}

/// Returns `bytes` and zeros behind a valid checksum.
fn sealed_page<const LEN: usize>(bytes: &[u8]) -> [u8; LEN] {
    let mut page = [0; LEN];
    page[4..4 + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c_append(crc32c(&SALT.to_le_bytes()), &page[4..]);
    page[..4].copy_from_slice(&crc.to_le_bytes());
    page
}

/// Recovers a file of that kind. The first byte of `data`, modulo 16, is the number of heads that get small lengths and
/// a valid checksum.
fn check_file(data: &[u8], kind: Kind) {
    let name = if kind == Kind::Log { Name::Log(1) } else { Name::Snapshot(1) };
    check_bytes(name, [header(kind).to_bytes(), sealed_records(data)].concat());
}

fn sealed_records(data: &[u8]) -> Vec<u8> {
    let Some((heads, body)) = data.split_first() else { return Vec::new() };
    let mut body = body.to_vec();
    let mut at = 0;
    for _ in 0..*heads % 16 {
        let Some(head) = body.get_mut(at..at + HEAD) else { break };
        let (key, value) = (head[4] % 32, head[8] % 64);
        head[4..7].copy_from_slice(&[key, 0, 0]);
        head[8..12].copy_from_slice(&[value, 0, 0, 0]);
        seal(head);
        at += HEAD + usize::from(key) + usize::from(value);
    }
    body
}

/// Recovers a file twice, and checks that both results are the same.
fn check_bytes(name: Name, bytes: Vec<u8>) {
    let fs = MemFs::new();
    fs.put(&name.at(Path::new(DIR)), bytes);
    let first = recover(&fs);
    assert_eq!(recover(&fs.after_process_death()), first);
}

fn header(kind: Kind) -> FileHeader {
    FileHeader {
        kind,
        identity: identity(),
        salt: SALT,
        number: 1,
        base_sequence: 0,
        logs: Vec::new(),
        high_water: 0,
        written: 0,
    }
}

/// Opens the directory and returns the entries that are found.
fn recover(fs: &MemFs) -> Vec<(Vec<u8>, Vec<u8>)> {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let (place, identity) = (Place::alone(Path::new(DIR)), identity());
    let store = Store::open(fs, &place, &identity, Durability::Os);
    let store = store.expect("a file system in memory does not fail");
    store.begin(&mut |_| ()).expect("nothing else has the directory");
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let each = &mut |record: Record<'_>| {
        if let Record::Put { key, value, .. } = record {
            entries.push((key.to_vec(), value.to_vec()));
        }
    };
    store.for_each(each).expect("a file system in memory does not fail");
    for (key, _) in &entries {
        // The index may be damaged, so that a record is not found by it.
        let found =
            store.find(key, true, &mut || ()).expect("a file system in memory does not fail");
        if let Some(stored) = found {
            assert!(matches!(stored.record(), Record::Put { key: found, .. } if found == key));
        }
    }
    entries
}

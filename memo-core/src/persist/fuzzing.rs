//! The checks of the fuzz targets (fuzz/) on files. For any content, reading ends, and reading again gives the same
//! result.

use std::path::Path;
use std::sync::Arc;

use crate::platform::crc32c::crc32c_append;

use super::durability::Durability;
use super::file_name::Name;
use super::frame::{ChecksumSeed, HEAD, Head};
use super::fs::Fs;
use super::fs_mem::MemFs;
use super::header::{self, FileHeader, Kind, Start};
use super::identity::Identity;
use super::place::Place;
use super::record::Record;
use super::store::Store;

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
            let crc = crate::platform::crc32c::crc32c(&bytes[..len - 4]);
            bytes[len - 4..len].copy_from_slice(&crc.to_le_bytes());
        }
        fs.put(path, bytes.clone());
        let file = fs.open(path).expect("the file was just created");
        if let Start::Ours { header, len } =
            header::read(&*file, &identity()).expect("reading from memory does not fail")
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
    let crc = seal(&bytes, 7);
    bytes[44..].copy_from_slice(&crc);
    if let Some(head) = Head::parse(&bytes, seed) {
        assert_eq!(head.to_bytes(seed), bytes);
        assert!(head.total() <= HEAD + super::MAX_KEY + super::MAX_VALUE);
    }
}

/// Returns the checksum that makes `head` valid in a file with that salt.
fn seal(head: &[u8; HEAD], salt: u64) -> [u8; 4] {
    crc32c_append(crate::platform::crc32c::crc32c(&salt.to_le_bytes()), &head[..44]).to_le_bytes()
}

/// Reads `data` as the bytes after the header of a log.
pub fn check_log(data: &[u8]) {
    check_file(data, Kind::Log);
}

/// Reads `data` as the bytes after the header of a snapshot.
pub fn check_snapshot(data: &[u8]) {
    check_file(data, Kind::Snapshot);
}

/// Recovers a file of that kind twice, and checks that both results are the same. The first byte of `data`, modulo 16,
/// is the number of heads that get small lengths and a valid checksum.
fn check_file(data: &[u8], kind: Kind) {
    let Some((heads, body)) = data.split_first() else { return };
    let mut body = body.to_vec();
    let header = header(kind);
    let mut at = 0;
    for _ in 0..*heads % 16 {
        let Some(head) = body.get_mut(at..at + HEAD) else { break };
        let (key, value) = (head[4] % 32, head[8] % 64);
        head[4..12].copy_from_slice(&[key, 0, 0, 0, value, 0, 0, 0]);
        let crc = seal(head.first_chunk().expect("a head"), header.salt);
        head[44..].copy_from_slice(&crc);
        at += HEAD + usize::from(key) + usize::from(value);
    }
    let fs = MemFs::new();
    let name = if kind == Kind::Log { Name::Log(1) } else { Name::Snapshot(1) };
    fs.put(&name.at(Path::new(DIR)), [header.to_bytes(), body].concat());
    let first = recover(&fs);
    assert_eq!(recover(&fs.after_process_death()), first);
}

fn header(kind: Kind) -> FileHeader {
    FileHeader {
        kind,
        identity: identity(),
        salt: 7,
        generation: 1,
        base_sequence: 0,
        base_removals: 0,
        predecessor: header::Predecessor::default(),
        high_water: 0,
        written: 0,
    }
}

/// Opens the directory and returns the entries that recovery finds.
fn recover(fs: &MemFs) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut replay = |record: Record<'_>| match record {
        Record::Put { key, value, .. } => {
            entries.retain(|(other, _)| other != key);
            entries.push((key.to_vec(), value.to_vec()));
        }
        Record::Remove { key } => entries.retain(|(other, _)| other != key),
        Record::Clear => entries.clear(),
    };
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let opened =
        Store::open(fs, &Place::alone(Path::new(DIR)), &identity(), Durability::Os, &mut replay);
    drop(opened.expect("a file system in memory does not fail"));
    entries
}

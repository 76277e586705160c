//! What the fuzz targets (fuzz/) do with files: whatever is in them, reading ends, and reading again finds the same.

use std::path::Path;
use std::sync::Arc;

use crate::platform::crc32c::crc32c_append;

use super::durability::Durability;
use super::file_name::Name;
use super::frame::{HEAD, Head, Seed};
use super::fs::Fs;
use super::fs_mem::MemFs;
use super::header::{self, FileHeader, Kind, Start};
use super::identity::Identity;
use super::record::Record;
use super::store::Store;

const DIR: &str = "/cache";

fn identity() -> Identity {
    Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 }
}

/// Bytes as the start of a file.
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
        let file = fs.open(path).expect("it was put there");
        if let Start::Ours { header, len } = header::read(&*file, &identity()).expect("memory") {
            assert!(len <= bytes.len() as u64);
            assert!(header.to_bytes().len() as u64 <= len);
        }
    }
}

/// Bytes as a record's head, with a checksum that holds.
pub fn check_frame(data: &[u8]) {
    let Some(bytes) = data.first_chunk::<HEAD>() else { return };
    let seed = Seed::of(7);
    let mut bytes = *bytes;
    let crc = seal(&bytes, 7);
    bytes[44..].copy_from_slice(&crc);
    if let Some(head) = Head::parse(&bytes, seed) {
        assert_eq!(head.to_bytes(seed), bytes);
        assert!(head.total() <= HEAD + super::MAX_KEY + super::MAX_VALUE);
    }
}

fn seal(head: &[u8; HEAD], salt: u64) -> [u8; 4] {
    crc32c_append(crate::platform::crc32c::crc32c(&salt.to_le_bytes()), &head[..44]).to_le_bytes()
}

/// Bytes as what follows the header of a log.
pub fn check_log(data: &[u8]) {
    check_file(data, Kind::Log);
}

/// Bytes as what follows the header of a snapshot.
pub fn check_snapshot(data: &[u8]) {
    check_file(data, Kind::Snapshot);
}

/// The first byte says how many heads get lengths within the file and a checksum that holds.
fn check_file(data: &[u8], kind: Kind) {
    let Some((sealed, body)) = data.split_first() else { return };
    let mut body = body.to_vec();
    let header = header(kind);
    let mut at = 0;
    for _ in 0..*sealed % 16 {
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
    let found = read(&fs);
    assert_eq!(read(&fs.after_process_death()), found);
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

fn read(fs: &MemFs) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut replay = |record: Record<'_>| match record {
        Record::Put { key, value, .. } => {
            entries.retain(|(known, _)| known != key);
            entries.push((key.to_vec(), value.to_vec()));
        }
        Record::Remove { key } => entries.retain(|(known, _)| known != key),
        Record::Clear => entries.clear(),
    };
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let opened = Store::open(fs, Path::new(DIR), &identity(), Durability::Os, &mut replay);
    drop(opened.expect("memory fails at nothing"));
    entries
}

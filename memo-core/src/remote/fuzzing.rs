//! The check of a fuzz target (fuzz/) on names and envelopes. Any of them is read without a panic, and what is accepted
//! is exactly what would be written.

use std::time::Duration;

use super::envelope::{
    AUTHENTICATED, COMPRESSED, Envelope, HEAD, Opened, Sealing, close, open, version_of,
};
use super::name::{FunctionName, Part, prefix, split, tag_group};
use crate::key::Tag;
use crate::persist::{Cost, Identity};

const MAX_VALUE: u64 = 1 << 16;
/// Bytes are repeated to this length.
const MIN_REPEATED: usize = 2048;

/// Reads `data` as a name, as a key and a tag, and as an envelope: once as it is, and once with a start and an end that
/// are valid, and for one first byte in two with lengths that may fit. The first byte also says whether there is a key
/// that authenticates, and how long the name is.
pub fn check_tier(data: &[u8]) {
    let Some((&how, rest)) = data.split_first() else { return };
    let (name, bytes) = rest.split_at(rest.len().min(usize::from(how >> 3)));
    let key = (how & 1 != 0).then_some([7; 32]);
    let sealing = Sealing { compress: how & 2 != 0, key, max_value: MAX_VALUE };
    let name = String::from_utf8_lossy(name);
    check_name(&name);
    check_key(bytes);
    check_envelope(&name, bytes, &sealing);
    check_changed(&name, bytes, &sealing);
    if let Some(rest) = bytes.get(4..) {
        let flags = bytes[3] & 7 & !AUTHENTICATED | if key.is_some() { AUTHENTICATED } else { 0 };
        let mut closed = vec![0x89, b'k', 1, flags];
        closed.extend_from_slice(rest);
        if how & 4 != 0 {
            fit_lengths(&mut closed);
        }
        close(&mut closed, &name, &sealing);
        check_envelope(&name, &closed, &sealing);
    }
}

/// Seals `data`, repeated so that it can be compressed. Then changes up to four bytes behind the head, and the end so
/// that it is valid.
fn check_changed(name: &str, data: &[u8], how: &Sealing) {
    let value = data.repeat(MIN_REPEATED / data.len().max(1) + 1);
    let (ttl, stale, cost, key) = (None, Duration::ZERO, Cost::UNKNOWN, Some(&b"key"[..]));
    let generations = &[(1, 2)];
    let envelope =
        Envelope { version: 1, generations, computed: 3, ttl, stale, cost, key, value: &value };
    let mut bytes = envelope.seal(name, how);
    assert!(open(name, &bytes, how).is_ok_and(|opened| *opened.value == value));
    bytes.truncate(bytes.len() - if how.key.is_some() { 32 } else { 4 });
    for change in data.chunks_exact(2).take(4) {
        let at = HEAD + usize::from(change[0]) % (bytes.len() - HEAD);
        bytes[at] ^= change[1];
    }
    close(&mut bytes, name, how);
    check_envelope(name, &bytes, how);
}

/// Makes the lengths in a head small. That of a value that is not compressed becomes right.
fn fit_lengths(bytes: &mut [u8]) {
    let len = bytes.len();
    let Some(head) = bytes.first_chunk_mut::<HEAD>() else { return };
    head[36] %= 4;
    head[40] %= 32;
    for zeros in [37..40, 41..44, 46..52, 53..HEAD] {
        head[zeros].fill(0);
    }
    let before = HEAD + usize::from(head[36]) * 16 + usize::from(head[40]);
    if head[3] & COMPRESSED == 0 {
        head[44..52].copy_from_slice(&(len.saturating_sub(before) as u64).to_le_bytes());
    }
}

/// Checks that a name is either refused or made of its parts, also within a name that begins as ours do.
fn check_name(text: &str) {
    let function = function();
    for name in
        [text.to_owned(), format!("{}{{{text}}}", function.as_str()), format!("memokit:{text}")]
    {
        let Some((before, part)) = split(&name) else { continue };
        let rest = name.strip_prefix(before).expect("the first part of the name");
        match part {
            Part::Key(key) => {
                assert_eq!(function.entry(&key), format!("{}{rest}", function.as_str()))
            }
            Part::Digest(_) => assert!(rest.starts_with("{sha256-") && rest.len() == 73),
            Part::All => assert_eq!(rest, "!all"),
            Part::Tag(tag) => assert_eq!(rest, format!("!tag:{:016x}", tag.bits())),
        }
    }
}

/// Checks that bytes are read back from the names that are made of them.
fn check_key(key: &[u8]) {
    let (function, namespace) = (function(), String::from_utf8_lossy(key));
    let entry = function.entry(key);
    let (before, part) = split(&entry).expect("a name of ours");
    assert_eq!(before, function.as_str());
    match part {
        Part::Key(found) => assert_eq!(found, key),
        Part::Digest(_) => assert!(key.len() > 40),
        Part::All | Part::Tag(_) => panic!("an entry is no group"),
    }
    let tag = Tag::from_bits(key.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte)));
    let group = tag_group(&namespace, tag);
    assert_eq!(split(&group), Some((&*prefix(&namespace), Part::Tag(tag))));
}

fn function() -> FunctionName {
    let identity = Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 };
    FunctionName::new("fuzz", "f", 0, &identity)
}

/// Checks that an envelope is refused or can be sealed again, so that it is opened to the same.
fn check_envelope(name: &str, bytes: &[u8], how: &Sealing) {
    let Ok(found) = open(name, bytes, how) else { return };
    assert!(bytes.len() > HEAD && found.value.len() as u64 <= MAX_VALUE);
    assert_eq!(version_of(bytes), Some(found.version));
    if how.key.is_some() {
        // In contrast to these, a checksum may be right by chance.
        assert!(open(name, &bytes[..bytes.len() - 1], how).is_err());
        assert!(open(&format!("{name}:"), bytes, how).is_err());
    }
    let Opened { version, ref generations, computed, ttl, stale, cost, key, ref value } = found;
    let envelope = Envelope { version, generations, computed, ttl, stale, cost, key, value };
    let sealed = envelope.seal(name, how);
    assert!(open(name, &sealed, how).is_ok_and(|again| again == found));
}

use std::path::PathBuf;

use super::super::name::{FunctionName, Part, group_hash, split};
use super::super::noise::noise;
use super::*;
use crate::persist::Identity;

const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut n = 0;
    while n < 32 {
        key[n as usize] = n;
        n += 1;
    }
    key
};

fn plain() -> Sealing {
    Sealing::default()
}

fn keyed() -> Sealing {
    Sealing { key: Some(KEY), ..plain() }
}

const HELLO: Envelope<'static> = Envelope {
    version: 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100,
    generations: &[],
    computed: 1_700_000_000_000,
    ttl: None,
    stale: Duration::ZERO,
    cost: Cost::UNKNOWN,
    key: None,
    value: b"hello",
};

/// An envelope with all fields.
fn full() -> Envelope<'static> {
    Envelope {
        generations: &[(1, 2), (3, u64::MAX)],
        ttl: Some(Duration::from_nanos(1_500_000_001)),
        stale: Duration::from_nanos(7_000_000_007),
        cost: Cost::of(Some(Duration::from_secs(8))),
        key: Some(b"the key"),
        ..HELLO
    }
}

fn opened<'a>(envelope: &Envelope<'a>) -> Opened<'a> {
    let Envelope { version, generations, computed, ttl, stale, cost, key, value } = *envelope;
    let (generations, value) = (generations.to_vec(), Cow::Borrowed(value));
    Opened { version, generations, computed, ttl, stale, cost, key, value }
}

fn is_opened(name: &str, bytes: &[u8], how: &Sealing, envelope: &Envelope<'_>) -> bool {
    open(name, bytes, how).is_ok_and(|found| found == opened(envelope))
}

fn refusal(name: &str, bytes: &[u8], how: &Sealing) -> Option<Unsealed> {
    open(name, bytes, how).err()
}

/// Changes an envelope between its head and its end, and closes it again.
fn resealed(bytes: &[u8], how: &Sealing, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let end = if how.key.is_some() { authentication::LEN } else { CHECKSUM };
    let mut changed = bytes[..bytes.len() - end].to_vec();
    change(&mut changed);
    close(&mut changed, "n", how);
    changed
}

#[test]
fn what_was_sealed_is_opened() {
    let envelopes = [
        HELLO,
        full(),
        Envelope { key: Some(b""), value: b"", ..HELLO },
        Envelope { ttl: Some(Duration::ZERO), computed: 0, version: 0, ..HELLO },
        Envelope { version: u128::MAX, computed: u64::MAX, value: &[7; 5000], ..full() },
    ];
    for envelope in envelopes {
        for how in [plain(), keyed()] {
            for how in [how, Sealing { compress: true, ..how }] {
                let bytes = envelope.seal("n", &how);
                assert!(is_opened("n", &bytes, &how, &envelope));
                assert_eq!(version_of(&bytes), Some(envelope.version));
            }
        }
    }
    let longest = Envelope { ttl: Some(Duration::MAX), ..HELLO };
    let centuries = Envelope { ttl: Some(Duration::from_nanos(u64::MAX - 1)), ..HELLO };
    assert!(is_opened("n", &longest.seal("n", &plain()), &plain(), &centuries));
}

#[test]
fn every_changed_bit_is_refused() {
    let long = Envelope { value: &[7; 2000], ..full() };
    for how in [plain(), keyed(), Sealing { compress: true, ..plain() }] {
        let sealed = if how.compress { long } else { full() }.seal("n", &how);
        let mut bytes = sealed.clone();
        for bit in 0..sealed.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open("n", &bytes, &how).is_err(), "bit {bit}");
            bytes[bit / 8] = sealed[bit / 8];
        }
        assert!(open("n", &bytes, &how).is_ok());
    }
}

#[test]
fn bytes_that_are_cut_or_longer_are_refused() {
    for how in [plain(), keyed()] {
        let bytes = full().seal("n", &how);
        for len in 0..bytes.len() {
            assert!(open("n", &bytes[..len], &how).is_err(), "{len} bytes");
        }
        for more in [&[0][..], &[0; 4], &bytes] {
            assert!(open("n", &[&bytes, more].concat(), &how).is_err());
        }
    }
}

#[test]
fn bytes_belong_to_one_name() {
    for (how, why) in [(plain(), Unsealed::Damaged), (keyed(), Unsealed::Forged)] {
        let bytes = full().seal("name", &how);
        for other in ["", "nam", "name ", "Name", "eman", "name\0"] {
            assert_eq!(refusal(other, &bytes, &how), Some(why), "{other}");
        }
        // The end of one name is not the beginning of the bytes of another.
        let shifted = [b"e", &bytes[..]].concat();
        assert_eq!(refusal("nam", &shifted, &how), Some(Unsealed::Foreign));
    }
}

#[test]
fn only_who_has_the_key_opens_and_seals() {
    let mut other = keyed();
    other.key = Some([7; 32]);
    let (open_bytes, keyed_bytes) = (full().seal("n", &plain()), full().seal("n", &keyed()));
    assert_eq!(refusal("n", &open_bytes, &keyed()), Some(Unsealed::Unauthenticated));
    assert_eq!(refusal("n", &keyed_bytes, &plain()), Some(Unsealed::Authenticated));
    assert_eq!(refusal("n", &keyed_bytes, &other), Some(Unsealed::Forged));
    // To change the flag and to make a checksum needs no key.
    let forged = resealed(&open_bytes, &plain(), |bytes| bytes[3] |= AUTHENTICATED);
    assert_eq!(refusal("n", &forged, &keyed()), Some(Unsealed::Forged));
    let short = resealed(&open_bytes, &plain(), |bytes| {
        bytes[3] |= AUTHENTICATED;
        bytes.truncate(HEAD);
    });
    assert_eq!(refusal("n", &short, &keyed()), Some(Unsealed::Damaged));
}

/// What a program that seals correctly, but lies, can state.
#[test]
fn lengths_that_do_not_fit_are_refused() {
    for how in [plain(), keyed()] {
        let bytes = full().seal("n", &how);
        let with = |at: usize, new: &[u8]| {
            resealed(&bytes, &how, |bytes| bytes[at..at + new.len()].copy_from_slice(new))
        };
        assert!(is_opened("n", &with(0, &[]), &how, &full()));
        for count in [0_u32, 1, 3, 1 << 28, u32::MAX] {
            assert!(open("n", &with(36, &count.to_le_bytes()), &how).is_err(), "{count} groups");
        }
        for len in [0_u32, 6, 8, 13, u32::MAX - 31, u32::MAX] {
            assert!(open("n", &with(40, &len.to_le_bytes()), &how).is_err(), "a key of {len}");
        }
        for len in [0_u64, 4, 6, how.max_value] {
            let refused = refusal("n", &with(44, &len.to_le_bytes()), &how);
            assert_eq!(refused, Some(Unsealed::Damaged), "a value of {len}");
        }
        for len in [how.max_value + 1, u64::MAX - 4, u64::MAX] {
            let refused = refusal("n", &with(44, &len.to_le_bytes()), &how);
            assert_eq!(refused, Some(Unsealed::TooLong), "a value of {len}");
        }
        for at in 53..56 {
            assert_eq!(refusal("n", &with(at, &[1]), &how), Some(Unsealed::Damaged));
        }
        let is_keyed = how.key.is_some();
        let flags = if is_keyed { AUTHENTICATED } else { 0 };
        assert_eq!(refusal("n", &with(3, &[flags]), &how), Some(Unsealed::Damaged), "no key");
        for bit in 3..8 {
            let unknown = with(3, &[flags | HAS_KEY | 1 << bit]);
            assert_eq!(refusal("n", &unknown, &how), Some(Unsealed::Foreign));
        }
        for (at, other) in [(0, 0), (1, 0), (2, 0), (2, 2)] {
            let other = with(at, &[other]);
            assert_eq!(refusal("n", &other, &how), Some(Unsealed::Foreign));
            assert_eq!(version_of(&other), None);
        }
    }
}

#[test]
fn the_version_needs_twenty_bytes() {
    let bytes = full().seal("n", &plain());
    assert_eq!(version_of(&bytes[..20]), Some(full().version));
    assert_eq!(version_of(&bytes[..19]), None);
    assert_eq!(version_of(b""), None);
}

#[test]
fn values_that_are_too_long_are_refused() {
    let envelope = Envelope { value: &[7; 5000], ..HELLO };
    for compress in [false, true] {
        let how = Sealing { compress, ..keyed() };
        let bytes = envelope.seal("n", &how);
        assert!(is_opened("n", &bytes, &Sealing { max_value: 5000, ..how }, &envelope));
        let refused = refusal("n", &bytes, &Sealing { max_value: 4999, ..how });
        assert_eq!(refused, Some(Unsealed::TooLong));
    }
}

#[cfg(feature = "lz4")]
#[test]
fn a_compressed_value_is_read_with_its_own_length_only() {
    let how = Sealing { compress: true, ..plain() };
    let envelope = Envelope { value: &[7; 5000], ..HELLO };
    let bytes = envelope.seal("n", &how);
    assert!(bytes.len() < 200, "{} bytes", bytes.len());
    // Readers need not compress.
    assert!(is_opened("n", &bytes, &plain(), &envelope));
    for len in [0_u64, 1, 4999, 5001, how.max_value] {
        let wrong =
            resealed(&bytes, &how, |bytes| bytes[44..52].copy_from_slice(&len.to_le_bytes()));
        assert_eq!(refusal("n", &wrong, &how), Some(Unsealed::Damaged), "{len}");
    }
    for at in HEAD..bytes.len() - CHECKSUM {
        for change in 1..=255 {
            // It may be decompressed to something else of the stated length.
            let wrong = resealed(&bytes, &how, |bytes| bytes[at] ^= change);
            if let Ok(opened) = open("n", &wrong, &how) {
                assert_eq!(opened.value.len(), 5000);
            }
        }
    }
}

#[test]
fn random_bytes_are_refused() {
    let mut noise = noise(3);
    for len in (0..300).cycle().take(3000) {
        let bytes: Vec<u8> = noise.by_ref().take(len).collect();
        for how in [plain(), keyed()] {
            assert!(open("n", &bytes, &how).is_err());
            let sealed = full().seal("n", &how);
            // A valid start and a valid end with anything between them.
            let mixed = resealed(&sealed, &how, |sealed| {
                sealed.truncate(4);
                sealed.extend_from_slice(&bytes);
            });
            assert!(open("n", &mixed, &how).is_err());
        }
    }
}

#[test]
fn the_key_is_not_shown() {
    let how = Sealing { key: Some([0xab; 32]), ..plain() };
    let shown = format!("{how:?}");
    assert_eq!(shown, "Sealing { compress: false, max_value: 67108864, authenticated: true }");
}

fn quote() -> FunctionName {
    let path = "my_crate::api::quote";
    let (schema, code) = ((1 << 127) + 2, (1 << 100) + 3);
    let identity = Identity { function: path.to_owned(), key_format: 3, schema, code };
    FunctionName::new("shop", path, 5, &identity)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap());
    digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect()
}

/// Returns the lines of tests/golden/tier.txt: case, name, bytes.
fn golden() -> Vec<[String; 3]> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/tier.txt");
    let text = std::fs::read_to_string(&path).expect("tests/golden/tier.txt");
    let columns = |line: &str| {
        let mut parts = line.split(" | ").map(str::to_owned);
        [(); 3].map(|()| parts.next().expect("three columns"))
    };
    text.lines().filter(|line| !line.starts_with('#')).map(columns).collect()
}

#[test]
fn names_and_bytes_are_unchanged() {
    let (all, tag) = (quote().group(), "memokit:shop:!tag:user%207".to_owned());
    let groups = [(group_hash(&all), 7), (group_hash(&tag), (1 << 63) + 1)];
    let (short, long): (_, Vec<u8>) = (b"\x11\x04ACME", (0..100).collect());
    let of_groups = Envelope {
        generations: &groups,
        ttl: Some(Duration::from_secs(60)),
        stale: Duration::from_secs(5),
        cost: Cost::of(Some(Duration::from_secs(8))),
        ..HELLO
    };
    let cost = Cost::of(Some(Duration::MAX));
    let empty =
        Envelope { version: 0, computed: 0, ttl: Some(Duration::ZERO), cost, value: b"", ..HELLO };
    let cases = [
        ("plain", &short[..], HELLO, plain()),
        ("groups", short, of_groups, plain()),
        ("empty", b"", empty, plain()),
        ("digest", &long, Envelope { key: Some(&long), ..HELLO }, plain()),
        ("authenticated", &long, Envelope { key: Some(&long), ..of_groups }, keyed()),
        ("compressed", short, Envelope { value: &[b'a'; 2000], ..HELLO }, plain()),
    ];
    let golden = golden();
    assert_eq!(golden.len(), cases.len() + 2);
    for ((case, key, envelope, how), [golden_case, name, hexadecimal]) in cases.iter().zip(&golden)
    {
        assert_eq!(case, golden_case);
        assert_eq!(quote().entry(key), *name, "{case}");
        let (_, part) = split(name).expect("a name of ours");
        assert_eq!(matches!(part, Part::Digest(_)), envelope.key.is_some());
        // Another release of the library may compress to other bytes.
        if *case == "compressed" {
            if cfg!(feature = "lz4") {
                assert!(is_opened(name, &bytes(hexadecimal), how, envelope));
            }
            continue;
        }
        assert_eq!(
            hex(&envelope.seal(name, how)),
            *hexadecimal,
            "{case}: a change needs a new FORMAT"
        );
        assert!(is_opened(name, &bytes(hexadecimal), how, envelope), "{case}");
    }
    for ([_, name, hash], group) in golden[cases.len()..].iter().zip([all, tag]) {
        assert_eq!((&group, hex(&group_hash(&group).to_le_bytes())), (name, hash.clone()));
    }
    assert_eq!(FORMAT, 1, "the golden envelopes have this format");
}

/// The bytes in docs/format.md are tokens of two hexadecimal digits at the start of a line.
#[test]
fn the_example_of_the_specification_is_correct() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/format.md");
    let text = std::fs::read_to_string(&path).expect("docs/format.md");
    let (_, tier) = text.split_once("\n## In a shared tier\n").expect("the section on the tier");
    let (tier, _) = tier.split_once("\n## ").expect("another section");
    let is_byte = |token: &&str| token.len() == 2 && u8::from_str_radix(token, 16).is_ok();
    let lines = tier.lines().filter(|line| line.starts_with("    "));
    let documented: String =
        lines.flat_map(|line| line.split_whitespace().take_while(is_byte)).collect();
    let [_, name, example] = &golden()[0];
    assert_eq!(documented, *example);
    assert!(tier.contains(name.as_str()));
}

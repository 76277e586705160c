//! Keys that are too long to be kept, and the digests that stand for them.

use std::cell::Cell;

use serde::ser::{Error as _, Serialize, SerializeSeq, Serializer};
use sha2::{Digest as _, Sha256};

use super::super::arguments::{Octets, Serialized, hash, matches};
use super::super::hash::Seed;
use super::super::tag::{MAX_LENGTH, NoKey};
use super::super::{Key, hash_bytes, same_key};
use super::model::{Random, Value as V};
use super::{args, key, stored};

/// What docs/format.md says that is hashed for a value, and the length of its encoding.
#[derive(Default)]
struct Model {
    hashed: Vec<u8>,
    len: u64,
}

impl Model {
    fn plain(bytes: &[u8]) -> Self {
        Self { hashed: bytes.to_vec(), len: bytes.len() as u64 }
    }

    fn sized(tag: &[u8], bytes: &[u8]) -> Self {
        let mut out = tag.to_vec();
        match u8::try_from(bytes.len()) {
            Ok(len) if len < 0xfe => out.push(len),
            _ => {
                out.push(0xff);
                out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
            }
        }
        Self::plain(&[&out, bytes].concat())
    }

    fn name(name: &str) -> Self {
        Self::sized(&[], name.as_bytes())
    }

    fn of(value: &V) -> Self {
        let all = |values: &[V]| Self::join(values.iter().map(Self::of)).end();
        let fields = |fields: &[(&'static str, V)]| {
            Self::group(fields.iter().map(|(name, value)| [Self::name(name), Self::of(value)]))
        };
        let variant = |tag: u8, name, index: u32, variant| {
            let head = Self::plain(&[&[tag][..], &index.to_le_bytes()].concat());
            Self::join([head, Self::name(name), Self::name(variant)])
        };
        let head = |tag: u8, name| Self::join([Self::plain(&[tag]), Self::name(name)]);
        match value {
            V::Str(text) => Self::sized(&[0x11], text.as_bytes()),
            V::Bytes(bytes) => Self::sized(&[0x12], bytes),
            V::Some(inner) => Self::join([Self::plain(&[0x15]), Self::of(inner)]),
            V::Seq(items) | V::Tuple(items) => Self::join([Self::plain(&[0x16]), all(items)]),
            V::Set(items) => {
                let items = items.iter().map(|item| [Self::of(item), Self::default()]);
                Self::join([Self::plain(&[0x17]), Self::group(items)])
            }
            V::Map(entries) => {
                let entries = entries.iter().map(|(a, b)| [Self::of(a), Self::of(b)]);
                Self::join([Self::plain(&[0x18]), Self::group(entries)])
            }
            V::Entries(entries) => {
                let entries = entries.iter().flat_map(|(a, b)| [Self::of(a), Self::of(b)]);
                Self::join([Self::plain(&[0x21]), Self::join(entries).end()])
            }
            V::Newtype(name, inner) => Self::join([head(0x1a, name), Self::of(inner)]),
            V::TupleStruct(name, items) => Self::join([head(0x1b, name), all(items)]),
            V::Struct(name, items) => Self::join([head(0x1c, name), fields(items)]),
            V::NewtypeVariant(name, index, of, inner) => {
                Self::join([variant(0x1e, name, *index, of), Self::of(inner)])
            }
            V::TupleVariant(name, index, of, items) => {
                Self::join([variant(0x1f, name, *index, of), all(items)])
            }
            V::StructVariant(name, index, of, items) => {
                Self::join([variant(0x20, name, *index, of), fields(items)])
            }
            short => Self::plain(&key(short)),
        }
    }

    fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::default(), |mut all, part| {
            all.hashed.extend(part.hashed);
            all.len += part.len;
            all
        })
    }

    fn end(self) -> Self {
        Self::join([self, Self::plain(&[0xfe])])
    }

    /// Joins the items of a group, each of two parts, in sorted order.
    fn group(items: impl Iterator<Item = [Self; 2]>) -> Self {
        let mut items: Vec<_> = items.map(|parts| Self::join(parts.map(Self::part))).collect();
        items.sort_by(|a, b| a.hashed.cmp(&b.hashed));
        Self::join(items).end()
    }

    fn part(self) -> Self {
        if self.hashed.len() > 64 { Self { hashed: self.digest(), ..self } } else { self }
    }

    fn digest(&self) -> Vec<u8> {
        let hash = Sha256::digest(&self.hashed);
        [&[0x22, 40][..], &hash, &self.len.to_le_bytes()].concat()
    }
}

/// Lengths of strings on both sides of where something changes: the form of a length, parts, buffers, keys.
const LENGTHS: [usize; 9] = [10, 61, 62, 63, 253, 254, 4_090, 4_096, 70_000];

/// Makes a value with some long parts.
fn large(random: &mut Random, depth: u32) -> V {
    let text = "t".repeat(random.pick(&LENGTHS));
    if depth == 0 {
        return if random.below(2) == 0 { V::Str(text) } else { V::Bytes(text.into()) };
    }
    let count = random.pick(&[1, 3, 40, 1500]);
    let small = |random: &mut Random| V::random(random, 1);
    let small_items: Vec<_> = (0..count).map(|_| small(random)).collect();
    let entries = |random: &mut Random| {
        let by_long_key = (large(random, depth - 1), V::Unit);
        let pairs = (0..3).map(|n| (V::U8(n), large(random, depth - 1)));
        let numbers = small_items.iter().zip(0..).map(|(item, n)| (V::U32(n), item.clone()));
        pairs.chain(numbers).chain([by_long_key]).collect::<Vec<_>>()
    };
    let fields = |random: &mut Random| {
        let long = &*String::leak("n".repeat(random.pick(&[63, 64, 300])));
        ["b", long, "a", ""].map(|name| (name, large(random, depth - 1))).to_vec()
    };
    match random.below(8) {
        0 => V::Seq([small_items, vec![large(random, depth - 1)]].concat()),
        1 => V::Set([small_items, vec![large(random, depth - 1)]].concat()),
        2 => V::Map(entries(random)).with_different_keys(),
        3 => V::Entries(entries(random)),
        4 => V::Struct("s", fields(random)),
        5 => V::StructVariant("e", 1, "v", fields(random)),
        6 => V::TupleVariant("e", 2, "v", vec![large(random, depth - 1), V::Unit]),
        _ => V::Some(Box::new(V::Newtype("n", Box::new(large(random, depth - 1))))),
    }
}

#[test]
fn a_digest_is_the_hash_that_the_specification_says() {
    let mut digests = 0;
    for case in 0..150 {
        let random = &mut Random::new(case);
        let depth = 1 + u32::try_from(random.below(3)).unwrap();
        let value = large(random, depth);
        let model = Model::of(&value);
        let is_long = model.len > MAX_LENGTH as u64;
        digests += u32::from(is_long);
        let bytes = key(&value);
        assert_eq!(Key::from_bytes(&bytes).is_digest(), is_long, "case {case}");
        assert!(!is_long || bytes == model.digest(), "case {case}");

        let permuted = value.permuted(random);
        assert_eq!(key(&permuted), bytes, "case {case}");
        assert!(same_key(&stored(&permuted), &bytes) && matches(&args(&permuted), &bytes));
        let other = value.mutated(random);
        let same = other.normal() == value.normal();
        assert_eq!(key(&other) == bytes, same, "case {case}");
        assert_eq!(matches(&args(&other), &bytes), same, "case {case}");
    }
    assert!((50..140).contains(&digests), "{digests} of 150 keys were long");
}

/// A key of `n` octets has 6 bytes more.
#[test]
fn a_key_of_64_kib_is_kept_and_a_longer_one_is_a_digest() {
    for (len, is_digest) in [(MAX_LENGTH - 1, false), (MAX_LENGTH, false), (MAX_LENGTH + 1, true)] {
        let octets = vec![7; len - 6];
        let key = Key::of(&(Octets(&octets), ()));
        let bytes = key.bytes().unwrap();
        assert_eq!((key.is_digest(), bytes.len()), (is_digest, if is_digest { 42 } else { len }));
        let sorted = Key::from_bytes(bytes);
        assert!(key.is_keyable() && sorted == key && sorted.is_digest() == is_digest);
        assert!(matches(&(Octets(&octets), ()), bytes));
        let [mut other, longer] = [octets.clone(), [octets, vec![7]].concat()];
        *other.last_mut().unwrap() ^= 1;
        for other in [&other, &longer] {
            assert!(!matches(&(Octets(other), ()), bytes));
            assert_ne!(Key::of(&(Octets(other), ())), key);
        }
    }
}

#[test]
fn a_digest_prints_its_hash_and_the_length_of_the_key() {
    let key = Key::of(&(Octets(&vec![7; 1 << 20]), ()));
    let hash: String = key.bytes().unwrap()[2..34].iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(format!("{key:?}"), format!("(digest 0x{hash} of {} bytes)", (1 << 20) + 6));
}

/// Reports whether any key that these bytes make, as bytes or text of an argument, is the digest.
#[test]
fn a_digest_is_the_key_of_no_other_arguments() {
    let digest = key(&V::Bytes(vec![7; 1 << 20]));
    let inner = &digest[2..];
    let seed = Seed::random();
    for bytes in [&digest[..], &digest[1..], inner, &inner[..32]] {
        let keys = [
            Key::of(&(Octets(bytes), ())),
            Key::of(&args(&V::Bytes(bytes.to_vec()))),
            Key::of(&args(bytes)),
            Key::of(&args(&V::Newtype("", Box::new(V::Bytes(bytes.to_vec()))))),
        ];
        for key in &keys {
            assert!(!key.is_digest() && key.bytes() != Some(&digest));
            assert_ne!(hash_bytes(key.bytes().unwrap(), &seed), hash_bytes(&digest, &seed));
        }
        assert!(!matches(&(Octets(bytes), ()), &digest));
        assert!(!matches(&args(&V::Bytes(bytes.to_vec())), &digest));
    }
    // A digest with something behind it is the key of nothing.
    let followed = [&digest[..], &key(&1u8)].concat();
    assert!(!Key::from_bytes(&followed).is_digest());
    assert!(!matches(
        &(Serialized(&V::Bytes(vec![7; 1 << 20])), (Serialized(&1u8), ())),
        &followed
    ));
}

/// A stored key is never longer than a short key may be, so longer bytes are damaged.
#[test]
fn bytes_longer_than_a_key_are_not_a_key() {
    let one = key(&1u8);
    let fits = one.repeat(MAX_LENGTH / one.len());
    let seed = Seed::random();
    assert!(hash_bytes(&fits, &seed).is_some());
    assert_eq!(hash_bytes(&[&fits[..], &one].concat(), &seed), None);
}

/// Serializes as a number of elements that differs between passes, and fails in a pass if that has no number.
struct Varying<'a> {
    pass: &'a Cell<usize>,
    elements: &'a [Option<u64>],
}

impl Serialize for Varying<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let elements = self.elements[self.pass.get()];
        self.pass.set(self.pass.get() + 1);
        let mut out = s.serialize_seq(None)?;
        (0..elements.unwrap_or(20_000)).try_for_each(|n| out.serialize_element(&n))?;
        if elements.is_none() { Err(S::Error::custom("late")) } else { out.end() }
    }
}

/// The first pass finds that the key is long, the second makes the digest.
#[test]
fn an_argument_that_fails_or_shrinks_in_the_second_pass_has_no_key() {
    let reason = |elements: &[Option<u64>]| {
        let pass = Cell::new(0);
        let key = Key::of(&args(&Varying { pass: &pass, elements }));
        assert_eq!(pass.get(), elements.len());
        (key.is_digest(), format!("{key:?}"))
    };
    let long = Some(20_000);
    assert!(reason(&[long, long]).0 && !reason(&[Some(3)]).0);
    let changed = format!("(no key: {})", NoKey::Changed);
    assert_eq!(reason(&[long, Some(3)]), (false, changed));
    let failed = format!("(no key: {})", NoKey::Refused);
    assert_eq!(reason(&[long, None]), (false, failed));
    // The next key is not affected.
    assert_eq!(key(&[3u8]), key(&(3u8,)));
}

/// A failure far behind the limit that everything around it ignores.
#[test]
fn an_ignored_failure_behind_the_limit_stays_a_failure() {
    struct Ignoring;
    impl Serialize for Ignoring {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            let mut out = s.serialize_seq(None)?;
            (0..20_000u64).for_each(|n| drop(out.serialize_element(&n)));
            let pass = Cell::new(0);
            let failing = V::Struct("s", vec![("a", V::U8(1)), ("a", V::U8(2))]);
            let _ = out.serialize_element(&(failing, Varying { pass: &pass, elements: &[None] }));
            (0..20_000u64).for_each(|n| drop(out.serialize_element(&n)));
            out.end()
        }
    }
    assert!(!Key::of(&args(&Ignoring)).is_keyable());
    assert!(hash(&args(&Ignoring), &Seed::random()).is_err());
    assert_eq!(key(&[3u8]), key(&(3u8,)));
}

/// Two fields of one name are found even if the name is long enough to be replaced.
#[test]
fn duplicate_names_in_a_long_key_are_found() {
    let long = &*String::leak("n".repeat(100));
    for name in ["n", long] {
        let fields = vec![(name, V::Str("x".repeat(70_000))), ("m", V::U8(1)), (name, V::U8(2))];
        assert!(!Key::of(&args(&V::Struct("s", fields))).is_keyable());
        let entries = vec![(V::Str(name.into()), V::Bytes(vec![1; 70_000])); 2];
        assert!(!Key::of(&args(&V::Map(entries))).is_keyable());
    }
}

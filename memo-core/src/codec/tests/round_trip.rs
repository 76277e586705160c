//! A value is read as it was written.

use std::collections::{BTreeMap, BTreeSet, HashMap, LinkedList, VecDeque};
use std::io::BufReader;

use serde::{Deserialize, Serialize};

use crate::codec::postcard::read_stream;
use crate::codec::{Codec, Postcard};

/// A generator of numbers from a seed (xorshift64*).
pub(super) struct Generator(u64);

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % bound
    }

    /// Returns a number of any magnitude, small or large.
    fn number(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }

    fn text(&mut self) -> String {
        let len = self.below(6);
        (0..len).map(|_| ['a', 'é', '0', '\u{1F600}', '\0'][self.below(5)]).collect()
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let len = self.below(4);
        (0..len).map(|_| item(self)).collect()
    }

    fn maybe<T>(&mut self, item: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| item(self))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    id: u64,
    delta: i128,
    ratio: f32,
    letter: char,
    name: Option<String>,
    by_name: HashMap<String, Vec<i16>>,
    tree: Tree,
    outcome: Result<(u8, bool), Box<Record>>,
    unit: (),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Empty,
    Value(i32),
    Pair(Box<Tree>, Box<Tree>),
    Named { children: BTreeMap<u16, Tree>, note: Option<Option<u8>> },
}

impl Record {
    pub(super) fn generate(generator: &mut Generator) -> Self {
        Self::at_depth(generator, 2)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn at_depth(generator: &mut Generator, depth: usize) -> Self {
        let outcome = if depth > 0 && generator.below(3) == 0 {
            Err(Box::new(Self::at_depth(generator, depth - 1)))
        } else {
            Ok((generator.number() as u8, generator.below(2) == 0))
        };
        Self {
            id: generator.number(),
            delta: i128::from(generator.number()) * -i128::from(generator.number()),
            ratio: f32::from(generator.number() as i16) / 3.0,
            letter: ['x', 'ß', '\u{10FFFF}'][generator.below(3)],
            name: generator.maybe(Generator::text),
            by_name: generator
                .list(|generator| {
                    let numbers = generator.list(|generator| generator.number() as i16);
                    (generator.text(), numbers)
                })
                .into_iter()
                .collect(),
            tree: Tree::generate(generator, 3),
            outcome,
            unit: (),
        }
    }
}

impl Tree {
    #[allow(clippy::cast_possible_truncation)]
    fn generate(generator: &mut Generator, depth: usize) -> Self {
        let kinds = if depth == 0 { 2 } else { 4 };
        match generator.below(kinds) {
            0 => Self::Empty,
            1 => Self::Value(generator.number() as i32),
            2 => Self::Pair(
                Box::new(Self::generate(generator, depth - 1)),
                Box::new(Self::generate(generator, depth - 1)),
            ),
            _ => Self::Named {
                children: generator
                    .list(|generator| {
                        (generator.number() as u16, Self::generate(generator, depth - 1))
                    })
                    .into_iter()
                    .collect(),
                note: generator
                    .maybe(|generator| generator.maybe(|generator| generator.number() as u8)),
            },
        }
    }
}

#[test]
fn values_are_read_as_written() {
    let codec = Postcard::new();
    for seed in 0..300 {
        let value = Record::generate(&mut Generator::new(seed));
        let bytes = codec.to_bytes(&value).unwrap();
        assert_eq!(bytes, ::postcard::to_stdvec(&value).unwrap());
        assert_eq!(Codec::<Record>::decode(&codec, &bytes).unwrap(), value);
    }
}

#[test]
fn a_stream_is_read_as_the_same_bytes_in_memory_are() {
    let codec = Postcard::new();
    for seed in 0..300 {
        let value = Record::generate(&mut Generator::new(seed));
        let mut bytes = codec.to_bytes(&value).unwrap();
        let len = bytes.len() as u64;
        bytes.extend([7; 3]);
        for capacity in [1, 7, 4096] {
            let stream = |len| {
                let reader = BufReader::with_capacity(capacity, &bytes[..]);
                read_stream::<Record>(reader, len)
            };
            assert_eq!(stream(len).unwrap(), value);
            assert!(stream(len + 1).is_err(), "a byte is left over");
            assert!(len == 0 || stream(len - 1).is_err(), "a byte is missing");
        }
    }
}

#[test]
fn damaged_streams_give_what_the_same_bytes_in_memory_give() {
    let codec = Postcard::new();
    for seed in 0..60 {
        let value = Record::generate(&mut Generator::new(seed));
        let bytes = codec.to_bytes(&value).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x81;
            let stream = read_stream::<Record>(&damaged[..], damaged.len() as u64);
            let memory = Codec::<Record>::decode(&codec, &damaged);
            assert_eq!(stream.is_ok(), memory.is_ok(), "{seed} {at}");
            if let (Ok(stream), Ok(memory)) = (stream, memory) {
                // Compared as they are written, because NaN differs from itself. Hash maps have any order.
                let sorted = |value| {
                    let mut bytes = codec.to_bytes(value).unwrap();
                    bytes.sort_unstable();
                    bytes
                };
                assert_eq!(sorted(&stream), sorted(&memory));
            }
        }
    }
}

#[test]
fn floats_keep_their_bits() {
    let codec = Postcard::new();
    let value = vec![f64::NAN, -0.0, f64::INFINITY, f64::from_bits(1)];
    let bytes = codec.to_bytes(&value).unwrap();
    let read: Vec<f64> = codec.decode(&bytes).unwrap();
    assert!(value.iter().zip(&read).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn one_codec_works_with_two_types() {
    let codec = Postcard::new();
    let schema_of_text = Codec::<String>::schema(&codec).unwrap();
    let schema_of_number = Codec::<u32>::schema(&codec).unwrap();
    assert_ne!(schema_of_text, schema_of_number);
    assert_eq!(codec.to_bytes(&"a".to_owned()).unwrap(), [1, b'a']);
    assert_eq!(codec.to_bytes(&300_u32).unwrap(), [0xAC, 2]);
}

#[test]
fn hash_maps_read_back_in_another_order() {
    let codec = Postcard::new();
    let value: HashMap<u32, String> = (0..100).map(|n| (n, n.to_string())).collect();
    let bytes = codec.to_bytes(&value).unwrap();
    assert_eq!(Codec::<HashMap<u32, String>>::decode(&codec, &bytes).unwrap(), value);
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Letter(Box<Byte>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Byte(u8);

/// Asserts that the bytes are those of postcard, and that they are read back.
fn written_as_by_postcard<T>(value: &T)
where
    T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug + 'static,
{
    let codec = Postcard::new();
    let bytes = codec.to_bytes(value).unwrap();
    assert_eq!(bytes, ::postcard::to_stdvec(value).unwrap());
    assert_eq!(&Codec::<T>::decode(&codec, &bytes).unwrap(), value);
}

#[test]
fn sequences_of_leaves_are_written_as_by_postcard() {
    for len in [0_u8, 1, 127, 128, 255] {
        written_as_by_postcard(&(0..len).collect::<Vec<_>>());
        written_as_by_postcard(&(0..len).collect::<VecDeque<_>>());
        written_as_by_postcard(&(0..len).collect::<BTreeSet<_>>());
        written_as_by_postcard(&(0..len).map(|n| Letter(Box::new(Byte(n)))).collect::<Vec<_>>());
        written_as_by_postcard(&(0..len).map(|n| n % 2 == 0).collect::<Vec<_>>());
        written_as_by_postcard(&(0..len).map(|n| u64::from(n) << (n % 64)).collect::<Vec<_>>());
        written_as_by_postcard(&(0..len).map(|n| vec![n; n.into()]).collect::<LinkedList<_>>());
        written_as_by_postcard(&(0..len).map(|n| (n, char::from(n))).collect::<Vec<_>>());
    }
}

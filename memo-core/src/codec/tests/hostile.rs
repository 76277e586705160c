//! Bytes that no codec wrote.

use std::collections::{BTreeMap, HashMap};

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::round_trip::{Generator, Record};
use crate::codec::postcard::read;
use crate::codec::shape::MAX_DEPTH;
use crate::codec::{Codec, Postcard};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

fn chain(links: usize) -> Chain {
    (1..links).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))))
}

/// Frees a chain without recursing.
fn free(mut chain: Chain) {
    while let Some(next) = chain.0.take() {
        chain = *next;
    }
}

#[test]
fn too_deep_values_are_rejected_when_written_and_read() {
    let codec = Postcard::new();
    let links = MAX_DEPTH / 2;
    let bytes = codec.to_bytes(&chain(links)).unwrap();
    assert_eq!(Codec::<Chain>::decode(&codec, &bytes).unwrap(), chain(links));

    let deep = chain(1_000_000);
    codec.to_bytes(&deep).unwrap_err();
    free(deep);
    Codec::<Chain>::decode(&codec, &vec![1; 1_000_000]).unwrap_err();
}

/// A type whose `Deserialize` needs a large stack frame.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Bulky {
    Folder { children: Vec<Bulky>, by_number: BTreeMap<u8, Bulky>, sizes: [u64; 32] },
    Pair(Box<Bulky>, [u64; 16]),
    End,
}

#[test]
fn nesting_to_the_limit_fits_a_small_stack() {
    let mut deepest = Bulky::End;
    for _ in 0..MAX_DEPTH / 2 - 1 {
        deepest = Bulky::Folder {
            children: vec![deepest],
            by_number: BTreeMap::new(),
            sizes: [u64::MAX; 32],
        };
    }
    let codec = Postcard::new();
    let bytes = codec.to_bytes(&deepest).unwrap();
    assert_eq!(Codec::<Bulky>::decode(&codec, &bytes).unwrap(), deepest);

    let tunnel = vec![1; 1_000_000];
    Codec::<Bulky>::decode(&codec, &tunnel).unwrap_err();
}

#[test]
fn a_claimed_length_beyond_the_bytes_is_an_error() {
    let codec = Postcard::new();
    let mut huge = vec![0xFF; 9];
    huge.push(1);
    Codec::<Vec<u64>>::decode(&codec, &huge).unwrap_err();
    Codec::<Vec<()>>::decode(&codec, &huge).unwrap_err();
    Codec::<Vec<[(); 8]>>::decode(&codec, &huge).unwrap_err();
    Codec::<HashMap<(), ()>>::decode(&codec, &huge).unwrap_err();
    Codec::<HashMap<u8, [u64; 32]>>::decode(&codec, &huge).unwrap_err();
    Codec::<BTreeMap<String, String>>::decode(&codec, &huge).unwrap_err();
    Codec::<String>::decode(&codec, &huge).unwrap_err();
}

/// The number of entries that were announced for a map. Its visitor takes none of them.
#[derive(Serialize)]
struct Announced(usize);

impl<'de> Deserialize<'de> for Announced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Announced;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Announced, A::Error> {
                Ok(Announced(access.size_hint().unwrap_or(0)))
            }
        }

        deserializer.deserialize_map(CountVisitor)
    }
}

#[test]
fn announced_elements_do_not_exceed_the_bytes() {
    let bytes = [[0xFF, 0xFF, 0x7F], [3, 0xFF, 0x7F]].concat();
    type Three = (Announced, Announced, Announced);
    let (first, second, third): Three = read(&bytes).unwrap();
    assert_eq!([first.0, second.0, third.0], [6, 0, 0]);

    let (first, second): (Announced, Announced) = read(&[1, 9]).unwrap();
    assert_eq!([first.0, second.0], [1, 1]);
}

#[test]
fn the_input_must_be_exactly_one_value() {
    let codec = Postcard::new();
    let mut bytes = codec.to_bytes(&(1_u8, "a".to_owned())).unwrap();
    Codec::<(u8, String)>::decode(&codec, &bytes).unwrap();
    bytes.push(0);
    Codec::<(u8, String)>::decode(&codec, &bytes).unwrap_err();
    bytes.truncate(2);
    Codec::<(u8, String)>::decode(&codec, &bytes).unwrap_err();
    Codec::<(u8, String)>::decode(&codec, &[]).unwrap_err();
}

/// A value that damaged bytes decode to can be encoded again.
#[test]
fn damaged_bytes_give_an_error_or_a_value() {
    let mut generator = Generator::new(7);
    let codec = Postcard::new();
    let (mut values, mut errors) = (0, 0);
    for _ in 0..40 {
        let bytes = codec.to_bytes(&Record::generate(&mut generator)).unwrap();
        for _ in 0..40 {
            let mut damaged = bytes.clone();
            let at = generator.below(damaged.len());
            damaged[at] ^= 1 << generator.below(8);
            match Codec::<Record>::decode(&codec, &damaged) {
                Ok(value) => {
                    values += 1;
                    codec.to_bytes(&value).unwrap();
                }
                Err(_) => errors += 1,
            }
        }
    }
    assert!(values > 0 && errors > 0, "{values} values, {errors} errors");
}

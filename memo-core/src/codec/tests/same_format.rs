//! The bytes are those of the crate postcard, in both directions.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::BufReader;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::round_trip::Generator;
use crate::codec::postcard::{read, read_stream};
use crate::codec::{Codec, Postcard};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(i32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u16, char);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Variants {
    Unit,
    Newtype(Newtype),
    Tuple(bool, Unit),
    Struct { text: String, number: Option<f64> },
}

/// Each kind that serde knows, but bytes.
type Everything = (
    (bool, i8, i16, i32, i64, i128),
    (u8, u16, u32, u64, u128, f32, f64, char),
    (String, Option<u8>, (), Unit, Newtype, Vec<i16>),
    (Pair, BTreeMap<u8, Variants>, Vec<Variants>, [u8; 2]),
);

/// Bytes that serde shows as bytes.
#[derive(Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Visitor)
    }
}

/// Reads bytes as a `T` with both. If they are one, it is written as the crate writes it. Returns whether they are one.
fn compare<T: Debug + Serialize + DeserializeOwned + 'static>(bytes: &[u8]) -> bool {
    // By the bytes that it is written to, because a float that is no number does not equal itself.
    let written = |value: &T| ::postcard::to_stdvec(value).unwrap();
    let theirs = match ::postcard::take_from_bytes::<T>(bytes) {
        Ok((value, [])) => Some(written(&value)),
        _ => None,
    };
    let ours = read::<T>(bytes).ok();
    let streamed = read_stream::<T>(BufReader::with_capacity(3, bytes), bytes.len() as u64).ok();
    assert_eq!(ours.as_ref().map(written), theirs, "{bytes:?}");
    assert_eq!(streamed.as_ref().map(written), theirs, "{bytes:?}");
    let codec = Postcard::new();
    if let Some(value) = &ours {
        assert_eq!(Some(codec.to_bytes(value).unwrap()), theirs);
    }
    ours.is_some()
}

/// Returns bytes of which many begin a number, and of which some are values of every type.
fn bytes(generator: &mut Generator) -> Vec<u8> {
    let len = generator.below(24);
    let byte = |generator: &mut Generator| match generator.below(4) {
        0 => 0x80 | u8::try_from(generator.below(128)).unwrap(),
        1 => u8::try_from(generator.below(128)).unwrap(),
        2 => u8::try_from(generator.below(3)).unwrap(),
        _ => 0xff,
    };
    (0..len).map(|_| byte(generator)).collect()
}

#[test]
fn random_bytes_are_read_as_postcard_reads_them() {
    let mut generator = Generator::new(19);
    let mut values = [0; 16];
    for _ in 0..30_000 {
        let bytes = bytes(&mut generator);
        let are_values = [
            compare::<u16>(&bytes),
            compare::<u32>(&bytes),
            compare::<u64>(&bytes),
            compare::<u128>(&bytes),
            compare::<i16>(&bytes),
            compare::<i32>(&bytes),
            compare::<i64>(&bytes),
            compare::<i128>(&bytes),
            compare::<(u8, i8, bool)>(&bytes),
            compare::<(f32, char)>(&bytes),
            compare::<f64>(&bytes),
            compare::<String>(&bytes),
            compare::<Bytes>(&bytes),
            compare::<Option<Vec<Variants>>>(&bytes),
            compare::<BTreeMap<u8, Pair>>(&bytes),
            compare::<(Unit, Newtype, [u8; 2])>(&bytes),
        ];
        values.iter_mut().zip(are_values).for_each(|(count, is)| *count += u32::from(is));
    }
    assert!(values.iter().all(|count| *count > 5), "{values:?}");
}

#[test]
fn a_value_of_every_kind_is_written_as_postcard_writes_it() {
    let ends: [Everything; 2] = [
        (
            (true, i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN),
            (u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, f32::MIN, f64::MAX, '\u{10FFFF}'),
            ("é".repeat(100), None, (), Unit, Newtype(-1), vec![i16::MAX; 200]),
            (Pair(128, 'a'), BTreeMap::from([(7, Variants::Unit)]), vec![], [0, 255]),
        ),
        (
            (false, i8::MAX, i16::MAX, i32::MAX, i64::MAX, i128::MAX),
            (0, 127, 128, 1 << 35, 1 << 70, -0.0, f64::INFINITY, '\0'),
            (String::new(), Some(1), (), Unit, Newtype(64), vec![-1, 1, -64, 63]),
            (
                Pair(127, 'é'),
                BTreeMap::new(),
                vec![
                    Variants::Tuple(true, Unit),
                    Variants::Newtype(Newtype(-65)),
                    Variants::Struct { text: "a".into(), number: Some(0.5) },
                ],
                [1, 2],
            ),
        ),
    ];
    for value in ends {
        assert!(compare::<Everything>(&::postcard::to_stdvec(&value).unwrap()));
    }
    let bytes = ::postcard::to_stdvec(&Bytes(vec![0; 300])).unwrap();
    assert!(compare::<Bytes>(&bytes));
}

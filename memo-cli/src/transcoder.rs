//! Turns values that one codec has written into those of another, without their type: between the codecs whose bytes
//! describe themselves. A program uses a value only if it would write the same bytes, so nothing may be lost.

use std::borrow::Cow;

use ciborium::Value;
use memo_core::codec::{Part, ReadShape};

use crate::shaped::{refine, write_json};

const JSON: &str = "json 1";
const CBOR: &str = "cbor 1";

/// Turns values of one type.
pub(crate) struct Transcoder {
    way: Way,
    /// The shape of the type, if it is known. It tells what the bytes do not: JSON does not tell an `f32` from an `f64`.
    shape: Option<ReadShape>,
}

enum Way {
    /// The codecs are the same.
    None,
    ToCbor,
    ToJson,
}

impl Transcoder {
    /// The values stay as they are.
    pub(crate) const NONE: Self = Self { way: Way::None, shape: None };

    /// Returns how values of one codec become those of another. `shape`: what is recorded of the shape of their type.
    ///
    /// # Errors
    /// The reason why that needs their type.
    pub(crate) fn between(from: &str, to: &str, shape: &str) -> Result<Self, String> {
        let way = match (from, to) {
            _ if from == to => return Ok(Self::NONE),
            (JSON, CBOR) => Way::ToCbor,
            (CBOR, JSON) => Way::ToJson,
            _ => {
                let unknown = if matches!(from, JSON | CBOR) { to } else { from };
                return Err(format!(
                    "{from} cannot become {to} without the type: {unknown} does not describe itself"
                ));
            }
        };
        Ok(Self { way, shape: ReadShape::parse(shape) })
    }

    /// # Errors
    /// The reason why the value has no form in the other codec.
    pub(crate) fn turn<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        let part = self.shape.as_ref().and_then(ReadShape::whole);
        Ok(Cow::Owned(match self.way {
            Way::None => return Ok(Cow::Borrowed(bytes)),
            Way::ToCbor => to_cbor(bytes, part)?,
            Way::ToJson => to_json(bytes, part)?.into_bytes(),
        }))
    }
}

fn to_cbor(bytes: &[u8], part: Option<Part<'_>>) -> Result<Vec<u8>, String> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    refine(&mut value, part)?;
    let mut back = String::new();
    write_json(&value, part, &mut back)?;
    if back.as_bytes() != bytes {
        return Err("its numbers or its white space would change".to_owned());
    }
    let mut cbor = Vec::new();
    ciborium::into_writer(&value, &mut cbor).map_err(|e| e.to_string())?;
    Ok(cbor)
}

fn to_json(mut bytes: &[u8], part: Option<Part<'_>>) -> Result<String, String> {
    let value = ciborium::from_reader(&mut bytes).map_err(|e| e.to_string())?;
    let mut json = String::new();
    write_json(&value, part, &mut json)?;
    if bytes.is_empty() { Ok(json) } else { Err("bytes are left over".to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt;

    use memokit::codec::{Cbor, Codec, Json};
    use serde::de::{DeserializeOwned, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::*;

    #[derive(Serialize, Deserialize)]
    enum Kind {
        Plain,
        Named { depth: i64, text: Option<char>, ratio: f32 },
        Pair(u8, String),
        New(Option<f32>),
    }

    /// Bytes for which the type calls `serialize_bytes`.
    #[derive(PartialEq, Eq)]
    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_byte_buf(Read)
        }
    }

    struct Read;

    impl<'de> Visitor<'de> for Read {
        type Value = Bytes;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
            Ok(Bytes(bytes.to_vec()))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bytes, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = items.next_element()? {
                bytes.push(byte);
            }
            Ok(Bytes(bytes))
        }
    }

    /// A type that contains itself, without a value in between.
    #[derive(Serialize, Deserialize)]
    struct Chain(Option<Box<Chain>>);

    fn ways(shape: &str) -> [Transcoder; 2] {
        [(JSON, CBOR), (CBOR, JSON)].map(|(from, to)| Transcoder::between(from, to, shape).unwrap())
    }

    #[track_caller]
    fn check<T: Serialize + DeserializeOwned + 'static>(value: &T) {
        let shape = Codec::<T>::description(&Json).shape;
        let (json, cbor) = (Json.to_bytes(value).unwrap(), Cbor.to_bytes(value).unwrap());
        let [to_cbor, to_json] = ways(&shape);
        let text = String::from_utf8_lossy(&json);
        assert_eq!(to_cbor.turn(&json).unwrap(), cbor, "{text} of {shape}");
        assert_eq!(to_json.turn(&cbor).unwrap(), json, "{text} of {shape}");
    }

    #[test]
    fn values_become_what_the_other_codec_would_have_written() {
        check(&(Kind::Plain, Kind::Pair(255, "a \"b\"\n\u{1}é".to_owned()), ()));
        check(&vec![
            Kind::Named { depth: i64::MIN, text: None, ratio: 0.1 },
            Kind::Named { depth: 7, text: Some('x'), ratio: 1e14 },
            Kind::New(Some(0.3)),
            Kind::New(None),
        ]);
        check(&vec![0.1, 1.0, -0.0, 1e300, 5e-324, f64::MAX, 1_234_567.125]);
        check(&(u64::MAX, i64::MIN, true));
        check(&BTreeMap::from([("b".to_owned(), vec![1]), ("a".to_owned(), vec![])]));
    }

    #[test]
    fn the_shape_tells_what_the_bytes_do_not() {
        check(&vec![0.1_f32, 1.0, -0.0, 1e14, 1e-6, 3e-45, f32::MAX, f32::MIN_POSITIVE]);
        check(&(Bytes(vec![0, 255]), Bytes(Vec::new()), vec![1_u8]));
        check(&BTreeMap::from([(-5_i16, 0.1_f32), (7, 0.2)]));
        check(&BTreeMap::from([(true, Some(Bytes(vec![1]))), (false, None)]));
        check(&BTreeMap::from([(u64::MAX, BTreeMap::from([('x', 0.7_f32)]))]));
        check(&Chain(None));
    }

    #[test]
    fn a_shape_that_is_not_that_of_the_value_loses_nothing() {
        let of = |shape| ways(shape)[0].turn(br#"{"V4":[1,300],"x":0.1}"#).map(Cow::into_owned);
        let unknown = of("untraced").unwrap();
        for shape in ["root(bytes())", "root(seq(f32()))", "root(map(str()bytes()))", "root()"] {
            assert_eq!(of(shape).unwrap(), unknown, "{shape}");
        }
        assert!(ways("root(map(u8()u8()))")[0].turn(br#"{"x":1}"#).is_err());
        assert!(ways("root(map(i8()u8()))")[0].turn(br#"{"+1":1}"#).is_err());
        let floats = ways("root(map(f32()f64()))");
        let cbor = floats[0].turn(br#"{"0.1":0.1,"0.7":2.0}"#).unwrap();
        assert_eq!(floats[1].turn(&cbor).unwrap(), &br#"{"0.1":0.1,"0.7":2.0}"#[..]);
        // More digits than an f32 has.
        assert!(ways("root(f32())")[0].turn(b"0.123456789012").is_err());
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        for json in ["340282366920938463463374607431768211455", "1 2", "[1,]", "[1, 2]"] {
            assert!(ways("untraced")[0].turn(json.as_bytes()).is_err(), "{json}");
        }
        let cbor = |value: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            value(&mut bytes);
            ways("untraced")[1].turn(&bytes).map(Cow::into_owned)
        };
        assert!(cbor(&|out| ciborium::into_writer(&f64::NAN, out).unwrap()).is_err());
        assert!(cbor(&|out| ciborium::into_writer(&u128::MAX, out).unwrap()).is_err());
        assert!(
            cbor(&|out| ciborium::into_writer(&BTreeMap::from([([1], 2)]), out).unwrap()).is_err()
        );
        assert!(cbor(&|out| out.extend([1, 1])).is_err());
    }

    #[test]
    fn codecs_that_do_not_describe_themselves_are_named() {
        let refused = |from, to| Transcoder::between(from, to, "").err().unwrap();
        assert!(refused("postcard 1", "json 1").contains("postcard 1 does not describe itself"));
        assert!(refused("cbor 1", "postcard 1").contains("postcard 1 does not describe itself"));
        assert!(Transcoder::between("postcard 1", "postcard 1", "").is_ok());
    }
}

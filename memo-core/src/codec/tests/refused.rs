//! Types and values that postcard does not support, and the text of the errors.

use std::collections::HashMap;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, SeqAccess};
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Codec, Postcard};
use crate::error::Error;

/// Asserts that the type has no schema, and that the error names the type and the alternative.
fn schema_error<T: Serialize + DeserializeOwned + 'static>() {
    let error = Codec::<T>::schema(&Postcard::new()).unwrap_err();
    assert!(matches!(&error, Error::Unpersistable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("`codec = ...`") && text.contains(std::any::type_name::<T>()), "{text}");
}

/// Asserts that the value is rejected. Returns the text of the error.
fn encode_error<T: Serialize + DeserializeOwned + 'static>(codec: &Postcard, value: &T) -> String {
    let error = codec.to_bytes(value).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`codec = ...`") && text.contains(std::any::type_name::<T>()), "{text}");
    text
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    A(u32),
    B(String),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    A { x: u32 },
    B,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
enum Adjacent {
    A(u32),
    B,
}

/// An enum that postcard writes without an error but cannot read.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
enum AdjacentContents {
    A(u32),
    B(String),
}

#[test]
fn adjacent_tags_are_rejected_because_postcard_cannot_read_them() {
    schema_error::<AdjacentContents>();
    let bytes = ::postcard::to_stdvec(&AdjacentContents::A(300)).unwrap();
    assert!(::postcard::from_bytes::<AdjacentContents>(&bytes).is_err());
    encode_error(&Postcard::new(), &AdjacentContents::B("b".into()));
}

#[derive(Serialize, Deserialize)]
struct Flat {
    a: u32,
    #[serde(flatten)]
    rest: HashMap<String, u32>,
}

#[derive(Serialize, Deserialize)]
struct Deep {
    a: Vec<Option<(u8, Result<String, Untagged>)>>,
}

#[test]
fn types_that_ask_the_data_for_its_type_are_rejected() {
    schema_error::<Untagged>();
    schema_error::<Internal>();
    schema_error::<Adjacent>();
    schema_error::<Flat>();
    schema_error::<Deep>();
    encode_error(&Postcard::new(), &Untagged::A(1));
    encode_error(&Postcard::new(), &Untagged::B("b".into()));
    encode_error(&Postcard::new(), &Internal::A { x: 1 });
    encode_error(&Postcard::new(), &Internal::B);
    encode_error(&Postcard::new(), &Adjacent::A(1));
    encode_error(&Postcard::new(), &Adjacent::B);
}

#[derive(Serialize, Deserialize)]
struct Nothing;

#[test]
fn sequences_of_values_without_bytes_are_rejected() {
    schema_error::<Vec<()>>();
    schema_error::<Vec<Nothing>>();
    schema_error::<Option<Vec<[(); 4]>>>();
    schema_error::<Vec<(PhantomData<u8>, ())>>();
    schema_error::<HashMap<(), ()>>();
    Codec::<Vec<Option<()>>>::schema(&Postcard::new()).unwrap();
    Codec::<HashMap<u8, ()>>::schema(&Postcard::new()).unwrap();
    Codec::<[(); 4]>::schema(&Postcard::new()).unwrap();
}

#[derive(Serialize, Deserialize)]
struct Skipping {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<u8>,
}

#[derive(Serialize, Deserialize)]
enum SkippingVariant {
    A {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        list: Vec<u8>,
        b: u8,
    },
}

#[test]
fn skipped_fields_are_rejected() {
    let codec = Postcard::new();
    // The first value skips no field, so reading it back does not find the problem.
    codec.to_bytes(&Skipping { a: Some(1), b: Some(2) }).unwrap();
    encode_error(&codec, &Skipping { a: Some(1), b: None });
    let text = encode_error(&codec, &Skipping { a: None, b: Some(1) });
    assert!(text.contains("skip_serializing"), "{text}");
    encode_error(&Postcard::new(), &SkippingVariant::A { list: vec![], b: 1 });
}

#[derive(Serialize, Deserialize)]
#[allow(dead_code)]
struct Lossy {
    a: u32,
    #[serde(skip_serializing, default)]
    b: u32,
}

#[derive(Serialize, Deserialize)]
#[allow(dead_code)]
struct Crossed {
    #[serde(skip_serializing, default)]
    a: u32,
    #[serde(skip_deserializing)]
    b: u32,
}

#[derive(Serialize, Deserialize)]
enum Shifted {
    A(u8),
    #[serde(skip_deserializing)]
    #[allow(dead_code)]
    B(u8),
    C(u8),
    D(u8),
}

#[derive(Serialize, Deserialize)]
enum ShiftedWithAlias {
    #[serde(alias = "First")]
    A,
    #[serde(skip_deserializing)]
    #[allow(dead_code)]
    B,
    C,
    D,
}

#[test]
fn a_serialize_that_disagrees_with_its_deserialize_is_rejected() {
    let text = encode_error(&Postcard::new(), &Lossy { a: 1, b: 2 });
    assert!(text.contains("writes 1 fields where its Deserialize reads 2"), "{text}");
    encode_error(&Postcard::new(), &Crossed { a: 1, b: 2 });

    // Serialize counts all variants, Deserialize only those that are not skipped. C would be read back as D.
    let codec = Postcard::new();
    codec.to_bytes(&Shifted::A(1)).unwrap();
    encode_error(&codec, &Shifted::C(1));
    encode_error(&codec, &Shifted::D(1));
    let codec = Postcard::new();
    codec.to_bytes(&ShiftedWithAlias::A).unwrap();
    encode_error(&codec, &ShiftedWithAlias::D);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Aliased {
    #[serde(alias = "a", alias = "zz")]
    name: u8,
    other: AliasedEnum,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum AliasedEnum {
    #[serde(alias = "Old", alias = "Older")]
    New(u8),
    Next,
}

#[test]
fn aliases_are_supported() {
    let codec = Postcard::new();
    Codec::<Aliased>::schema(&codec).unwrap();
    for other in [AliasedEnum::New(3), AliasedEnum::Next] {
        let value = Aliased { name: 1, other };
        let bytes = codec.to_bytes(&value).unwrap();
        assert_eq!(Codec::<Aliased>::decode(&codec, &bytes).unwrap(), value);
    }
}

/// Hand-written impls, each with one mistake.
macro_rules! wrong {
    ($($name:ident reads $inner:ty, writes |$serializer:ident| $body:expr;)*) => {$(
        struct $name;

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, $serializer: S) -> Result<S::Ok, S::Error> {
                $body
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$inner>::deserialize(deserializer).map(|_| Self)
            }
        }
    )*};
}

/// Yields a value twice and claims another number of times.
struct Miscounting<T>(T, usize);

impl<T: Copy> Iterator for Miscounting<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.1 = self.1.checked_sub(1)?;
        Some(self.0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1 + 1, Some(self.1 + 1))
    }
}

/// An element that writes one of several kinds.
enum Number {
    Byte(u8),
    Word(u16),
    Float(f64),
    Unit,
    /// A byte in so many newtypes.
    Nested(usize),
    Unwritable,
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Byte(byte) => serializer.serialize_u8(byte),
            Self::Word(word) => serializer.serialize_u16(word),
            Self::Float(float) => serializer.serialize_f64(float),
            Self::Unit => serializer.serialize_unit(),
            Self::Nested(0) => serializer.serialize_u8(0),
            Self::Nested(n) => serializer.serialize_newtype_struct("N", &Self::Nested(n - 1)),
            Self::Unwritable => Err(serde::ser::Error::custom("no name for it")),
        }
    }
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Two {
    a: u8,
    b: u8,
}

wrong! {
    UnknownLength reads Vec<u8>, writes |serializer| {
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element(&1_u8)?;
        seq.end()
    };
    WrongLength reads Vec<u8>, writes |serializer| {
        let mut seq = serializer.serialize_seq(Some(1))?;
        seq.serialize_element(&1_u8)?;
        seq.serialize_element(&1_u8)?;
        seq.end()
    };
    WrongCount reads Vec<u8>, writes |serializer| serializer.collect_seq(Miscounting(1_u8, 2));
    WrongCountOfNumbers reads Vec<u16>, writes |serializer| {
        serializer.collect_seq(Miscounting(1_u16, 2))
    };
    UncountedBytes reads Vec<u8>, writes |serializer| {
        serializer.collect_seq([1_u8, 2].iter().filter(|byte| **byte > 1))
    };
    NoBytes reads Vec<u8>, writes |serializer| serializer.collect_seq([1_i8, 2]);
    NotAllBytes reads Vec<u8>, writes |serializer| {
        serializer.collect_seq([Number::Byte(7), Number::Word(8), Number::Unit])
    };
    NotAllFloats reads Vec<f64>, writes |serializer| {
        serializer.collect_seq([Number::Float(7.0), Number::Word(8)])
    };
    DeepBytes reads Vec<u8>, writes |serializer| {
        serializer.collect_seq([Number::Byte(7), Number::Nested(300)])
    };
    NamelessBytes reads Vec<u8>, writes |serializer| serializer.collect_seq([Number::Unwritable]);
    Tuple reads Vec<u8>, writes |serializer| [1_u8, 7].serialize(serializer);
    Unsigned reads i64, writes |serializer| serializer.serialize_u64(2);
    Wide reads f32, writes |serializer| serializer.serialize_f64(2.0);
    Swapped reads Two, writes |serializer| {
        let mut fields = serializer.serialize_struct("Two", 2)?;
        fields.serialize_field("b", &1_u8)?;
        fields.serialize_field("a", &1_u8)?;
        fields.end()
    };
    FieldTooFew reads Two, writes |serializer| {
        let mut fields = serializer.serialize_struct("Two", 2)?;
        fields.serialize_field("a", &1_u8)?;
        fields.end()
    };
    FieldTooMany reads Two, writes |serializer| {
        let mut fields = serializer.serialize_struct("Two", 2)?;
        fields.serialize_field("a", &1_u8)?;
        fields.serialize_field("b", &1_u8)?;
        fields.serialize_field("c", &1_u8)?;
        fields.end()
    };
    OtherVariant reads Result<u8, u8>, writes |serializer| {
        serializer.serialize_newtype_variant("Result", 0, "Err", &1_u8)
    };
}

#[test]
fn wrong_impls_are_rejected() {
    let codec = Postcard::new;
    assert!(encode_error(&codec(), &UnknownLength).contains("length"));
    assert!(encode_error(&codec(), &WrongLength).contains("another number"));
    assert!(encode_error(&codec(), &WrongCount).contains("3 elements and writes another number"));
    assert!(encode_error(&codec(), &WrongCountOfNumbers).contains("another number"));
    assert!(encode_error(&codec(), &UncountedBytes).contains("length"));
    assert!(encode_error(&codec(), &NoBytes).contains("i8 where its Deserialize reads u8"));
    assert!(encode_error(&codec(), &NotAllBytes).contains("u16 where its Deserialize reads u8"));
    assert!(encode_error(&codec(), &NotAllFloats).contains("u16 where its Deserialize reads f64"));
    assert!(encode_error(&codec(), &DeepBytes).contains("nests deeper than 256"));
    assert!(encode_error(&codec(), &NamelessBytes).contains("no name for it"));
    assert!(encode_error(&codec(), &Tuple).contains("sequence"));
    assert!(encode_error(&codec(), &Unsigned).contains("u64"));
    assert!(encode_error(&codec(), &Wide).contains("f64"));
    assert!(encode_error(&codec(), &Swapped).contains("same place"));
    assert!(encode_error(&codec(), &FieldTooFew).contains("another number"));
    assert!(encode_error(&codec(), &FieldTooMany).contains("another number"));
    assert!(encode_error(&codec(), &OtherVariant).contains("same place"));
}

#[derive(Debug)]
struct Doubling(u32);

impl Serialize for Doubling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0 * 2).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Doubling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(Self)
    }
}

#[test]
fn the_first_value_is_read_back() {
    let text = encode_error(&Postcard::new(), &Doubling(3));
    assert!(text.contains("another value"), "{text}");
}

/// Accepts only one number, which is not among the samples, so its shape is unknown.
#[derive(Debug, Serialize)]
struct Answer(u8);

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            42 => Ok(Self(42)),
            _ => Err(serde::de::Error::custom("not the answer")),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Untraced {
    answer: Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
    units: Vec<()>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Size {
    answer: Answer,
    width: u32,
    height: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Size")]
struct Turned {
    answer: Answer,
    height: u32,
    width: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Size")]
struct Signed {
    answer: Answer,
    width: i32,
    height: i32,
}

#[test]
fn bytes_of_an_untraced_type_do_not_read_as_those_of_another() {
    fn bytes_of<T: Serialize + DeserializeOwned + 'static>(value: &T) -> Vec<u8> {
        Postcard::new().to_bytes(value).unwrap()
    }
    fn read<T: Serialize + DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, Error> {
        Postcard::new().decode(bytes)
    }
    let size = |width, height| bytes_of(&Size { answer: Answer(42), width, height });
    let same: Size = read(&size(2, 6)).unwrap();
    assert_eq!((same.width, same.height), (2, 6));
    read::<Turned>(&size(2, 6)).unwrap_err();
    read::<Signed>(&size(2, 6)).unwrap_err();
    // Whatever the order is, this is one value.
    let equal: Turned = read(&size(4, 4)).unwrap();
    assert_eq!((equal.width, equal.height), (4, 4));
    read::<(Answer, u32, u32)>(&size(4, 4)).unwrap_err();
}

/// Cannot be traced, and is not read as it is written.
#[derive(Serialize, Deserialize)]
struct DoublingUntraced(Answer, #[serde(with = "doubling")] u32);

mod doubling {
    use super::*;

    pub(super) fn serialize<S: Serializer>(n: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        (n * 2).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        u32::deserialize(deserializer)
    }
}

#[test]
fn an_untraced_type_that_does_not_preserve_its_values_is_refused() {
    let codec = Postcard::new();
    let text = encode_error(&codec, &DoublingUntraced(Answer(42), 3));
    assert!(text.contains("another value") && text.contains("validates its input"), "{text}");
    // Each value is judged by itself.
    codec.to_bytes(&DoublingUntraced(Answer(42), 0)).unwrap();
    encode_error(&codec, &DoublingUntraced(Answer(41), 0));
}

#[test]
fn values_of_an_untraced_type_are_checked() {
    let codec = Postcard::new();
    Codec::<Untraced>::schema(&codec).unwrap();
    let value = |note, units| Untraced { answer: Answer(42), note, units };
    codec.to_bytes(&value(Some(1), vec![])).unwrap();
    let text = encode_error(&codec, &value(None, vec![]));
    assert!(text.contains("`note` was skipped"), "{text}");
    let text = encode_error(&codec, &value(Some(1), vec![(); 3]));
    assert!(text.contains("take no bytes"), "{text}");
}

/// The disk format of values of untraced types. If this fails, raise the number in `DIGEST`.
#[test]
fn an_untraced_value_is_its_digest_and_the_bytes_of_postcard() {
    let value = (Answer(42), "an answer".to_owned(), HashMap::from([(1_u8, 2.5_f32), (2, 0.5)]));
    let bytes = Postcard::new().to_bytes(&value).unwrap();
    let (digest, rest) = bytes.split_first_chunk().unwrap();
    assert_eq!(u64::from_le_bytes(*digest), 0xb94d_0c8f_d4fc_8166);
    assert_eq!(rest, ::postcard::to_stdvec(&value).unwrap());
}

#[test]
fn untraced_values_have_no_limit_below_that_of_records() {
    let value = (Answer(42), vec![u64::MAX; 1 << 20]);
    let bytes = Postcard::new().to_bytes(&value).unwrap();
    let read: (Answer, Vec<u64>) = Postcard::new().decode(&bytes).unwrap();
    assert_eq!(read.1, value.1);
}

/// A byte, and then a `u8` or a `String`, as the byte says.
#[derive(Debug, PartialEq)]
enum Tagged {
    Number(u8),
    Text(String),
}

impl Serialize for Tagged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(n) => (1_u8, n).serialize(serializer),
            Self::Text(text) => (200_u8, text).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Tagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Tagged;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a tag and its content")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tagged, A::Error> {
                let missing = || serde::de::Error::custom("missing");
                match seq.next_element::<u8>()?.ok_or_else(missing)? {
                    200 => Ok(Tagged::Text(seq.next_element()?.ok_or_else(missing)?)),
                    _ => Ok(Tagged::Number(seq.next_element()?.ok_or_else(missing)?)),
                }
            }
        }

        deserializer.deserialize_tuple(2, Visitor)
    }
}

#[test]
fn a_value_of_a_shape_that_depends_on_the_data_is_refused_in_these_words() {
    let codec = Postcard::new();
    let bytes = codec.to_bytes(&Tagged::Number(7)).unwrap();
    assert_eq!(Codec::<Tagged>::decode(&codec, &bytes).unwrap(), Tagged::Number(7));
    let text = encode_error(&codec, &Tagged::Text("a".into()));
    assert!(text.contains("writes str where") && text.contains("depend on the data"), "{text}");
    // Does not read back, so the shape is not to blame.
    let text = encode_error(&Postcard::new(), &Lossy { a: 1, b: 2 });
    assert!(text.contains("`skip_serializing`") && !text.contains("depend on"), "{text}");
}

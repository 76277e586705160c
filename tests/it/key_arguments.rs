//! The arguments of a key, decoded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::net::IpAddr;

use memokit::{DecodeError, Key, memoize};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Side {
    Buy,
    Limit(u32),
    Pair(u8, String),
    Named { at: f64, side: Box<Side> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Meters(f32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unit;

/// Its fields stand in another order in a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Options {
    sides: Vec<Side>,
    depth: Option<Meters>,
    pair: (i8, char),
    extra: BTreeMap<String, Option<i128>>,
    unit: Unit,
}

fn options() -> Options {
    let named = Side::Named { at: -0.5, side: Box::new(Side::Buy) };
    Options {
        sides: vec![Side::Buy, Side::Limit(7), Side::Pair(255, "é".to_owned()), named],
        depth: Some(Meters(1.25)),
        pair: (-1, '✓'),
        extra: BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), Some(i128::MIN))]),
        unit: Unit,
    }
}

#[memoize]
fn quote(symbol: &str, amount: u32, options: &Options) -> usize {
    symbol.len() + amount as usize + options.sides.len()
}

/// Returns the key of a call with one argument.
fn key_of<T: Serialize>(value: &T) -> Key {
    #[memoize]
    fn one<T: Serialize>(value: &T) -> usize {
        size_of_val(value)
    }
    one_key(value)
}

fn is_mismatch<T: Debug>(decoded: &Result<T, DecodeError>) -> bool {
    matches!(decoded, Err(DecodeError::Mismatch { .. }))
}

#[test]
fn an_argument_is_decoded_by_name_or_index() {
    let key = quote_key("ACME", 300, &options());
    assert_eq!(key.get("symbol"), Ok("ACME"), "borrowed from the key");
    assert_eq!(key.get(0), Ok("ACME".to_owned()));
    assert_eq!((key.get::<u32>("amount"), key.get::<u32>(1)), (Ok(300), Ok(300)));
    assert_eq!(key.get("options"), Ok(options()));
    let absent = key.get::<u32>("price").unwrap_err();
    assert_eq!(absent.to_string(), "the key has no argument \"price\"");
    assert!(matches!(key.get::<u32>(3), Err(DecodeError::Absent { .. })));
    quote("ACME", 300, &options());
    let held = quote_memo().keys();
    assert_eq!(held[0].get::<u64>("amount"), Ok(300), "a handle knows the names too");
    assert_eq!(held[0], key);
    quote_memo().retain(|key, _| key.get("symbol") != Ok("ACME"));
    assert!(quote_memo().is_empty());
}

#[test]
fn arguments_are_walked() {
    let key = quote_key("ACME", 3, &options());
    let arguments = key.arguments().unwrap();
    let names: Vec<_> = arguments.iter().map(|argument| argument.name().unwrap()).collect();
    assert_eq!(names, ["symbol", "amount", "options"]);
    assert_eq!(
        (arguments[0].to_string(), arguments[1].to_string()),
        ("\"ACME\"".into(), "3".into())
    );
    assert_eq!(format!("{:?}", arguments[1]), "amount: 3");
    assert_eq!(arguments[1].decode(), Ok(3_u128));
}

#[test]
fn names_are_those_that_make_the_key() {
    struct Service;
    impl Service {
        #[memoize(skip(self))]
        fn find(&self, (low, _): (u8, u8), r#type: &str, mut depth: u16) -> u16 {
            let Self = self;
            depth += u16::from(low);
            depth + u16::try_from(r#type.len()).unwrap()
        }
    }
    #[memoize(key = (a, b + 1))]
    fn sum(a: u32, b: u32, c: u32) -> u32 {
        a + b + c
    }
    #[memoize]
    fn none() -> u32 {
        1
    }
    assert_eq!((Service.find((1, 2), "t", 3), sum(1, 2, 3), none()), (5, 6, 1));
    let key = Service::find_key((1, 2), "t", 3);
    assert_eq!(key.get("(low, _)"), Ok((1_u8, 2_u8)));
    assert_eq!((key.get::<&str>("type"), key.get::<u16>("depth")), (Ok("t"), Ok(3)));
    assert_eq!(sum_key(1, 2).get("key"), Ok((1_u32, 3_u32)));
    assert_eq!(none_key().arguments().unwrap().len(), 0);
}

#[test]
fn numbers_decode_as_types_that_they_fit() {
    let key = key_of(&300_u32);
    assert_eq!((key.get(0), key.get(0), key.get(0)), (Ok(300_u32), Ok(300_u16), Ok(300_i128)));
    assert!(is_mismatch(&key.get::<u8>(0)) && is_mismatch(&key.get::<bool>(0)));
    assert!(is_mismatch(&key.get::<f64>(0)) && is_mismatch(&key.get::<Option<u32>>(0)));
    assert!(is_mismatch(&key.get::<()>(0)) && is_mismatch(&key.get::<String>(0)));
    assert!(is_mismatch(&key_of(&-1_i8).get::<u64>(0)));
    assert_eq!(key_of(&-1_i8).get(0), Ok(-1_i64));
    assert_eq!((key_of(&u128::MAX).get(0), key_of(&'x').get(0)), (Ok(u128::MAX), Ok('x')));
    assert_eq!((key_of(&0.5_f64).get(0), key_of(&0.5_f32).get(0)), (Ok(0.5_f32), Ok(0.5_f64)));
    assert!(is_mismatch(&key_of(&0.1_f64).get::<f32>(0)), "it would be another number");
    assert!(key_of(&f64::NAN).get::<f32>(0).unwrap().is_nan());
}

#[test]
fn every_shape_comes_back_and_others_are_refused() {
    fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
        assert_eq!(key_of(value).get::<T>(0).as_ref(), Ok(value));
        assert!(key_of(value).get::<IgnoredAny>(0).is_ok());
    }
    same(&options());
    same(&(Unit, Meters(f32::INFINITY), [1_u8, 2], ()));
    same(&HashMap::from([((1, 'a'), vec![Some(2)]), ((2, 'b'), vec![None])]));
    same(&HashSet::from(["a".to_owned(), String::new()]));
    same(&(Some(Some(1)), None::<Option<u8>>, Some(())));
    same(&IpAddr::from([127, 0, 0, 1]));
    same(&Ok::<u8, String>(1));
    same(&vec![7_u8; 1000]);
    assert_eq!(key_of(&Meters(2.0)).get(0), Ok(2.0_f32), "a newtype is like what it contains");
    assert_eq!(key_of(&2.0_f32).get(0), Ok(Meters(2.0)));
    assert!(is_mismatch(&key_of(&[1, 2, 3]).get::<(i32, i32)>(0)), "one more");
    assert!(is_mismatch(&key_of(&(1, 2)).get::<[i32; 3]>(0)), "one less");
    assert!(is_mismatch(&key_of(&Side::Buy).get::<Option<Side>>(0)));
    assert!(is_mismatch(&key_of(&"Buy").get::<Side>(0)), "a text is no variant");
    assert!(is_mismatch(&key_of(&()).get::<Option<u8>>(0)));

    #[derive(Debug, PartialEq, Deserialize)]
    struct Part {
        pair: (i8, char),
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[expect(dead_code, reason = "it is only decoded")]
        pair: (i8, char),
    }
    assert_eq!(key_of(&options()).get(0), Ok(Part { pair: (-1, '✓') }), "others are skipped");
    assert!(is_mismatch(&key_of(&options()).get::<Strict>(0)));
}

#[test]
fn runs_of_bytes_decode_as_sequences_and_as_slices() {
    #[memoize]
    fn octets(bytes: &[u8]) -> usize {
        bytes.len()
    }
    octets(&[1, 2, 3]);
    let key = octets_key(&[1, 2, 3]);
    assert_eq!((key.get(0), key.get::<&[u8]>(0)), (Ok(vec![1_u8, 2, 3]), Ok(&[1, 2, 3][..])));
    assert_eq!(key.get(0), Ok([1_u32, 2, 3]));
    assert!(is_mismatch(&key.get::<[u8; 2]>(0)));
}

#[test]
fn what_cannot_be_decoded_says_so() {
    #[memoize]
    fn long(bytes: &[u16]) -> usize {
        bytes.len()
    }
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("on purpose"))
        }
    }
    let key = long_key(&vec![3; 50_000]);
    assert!(key.is_digest() && long(&[1]) == 1);
    assert_eq!(key.get::<Vec<u16>>("bytes"), Err(DecodeError::Digest));
    assert_eq!(key.arguments().unwrap_err(), DecodeError::Digest);
    let key = key_of(&Refuses);
    assert_eq!(key.get::<u8>(0), Err(DecodeError::Unkeyable));
}

//! Results that postcard cannot encode: postcard refuses them by name, and a codec that describes itself stores them.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::codec::{Codec, Format, Json, Sink};
use memokit::{Error, memoize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{folder, restarts, shared};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Sparse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<u8>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
    Text(String),
    Point { x: i32, y: i32 },
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Flat {
    name: String,
    #[serde(flatten)]
    rest: BTreeMap<String, f64>,
}

fn sparse(n: u8) -> Sparse {
    Sparse { a: (n == 1).then_some(n), b: (n == 2).then_some(n) }
}

fn untagged(n: u8) -> Untagged {
    match n {
        0 => Untagged::Number(0),
        1 => Untagged::Text("0".into()),
        _ => Untagged::Point { x: -1, y: 1 },
    }
}

fn flat(n: u8) -> Flat {
    Flat { name: "n".into(), rest: [("x".into(), 0.5), (n.to_string(), -0.0)].into() }
}

fn value(n: u8) -> Value {
    json!({ "n": n, "list": [null, true, "text", 0.25], "deep": { "a": {} } })
}

/// For each type, a function stored by postcard, by JSON and by CBOR.
macro_rules! three_ways {
    ($($make:ident -> $type:ty, in $module:ident;)*) => {$(
        mod $module {
            use super::*;

            #[memoize(persist = shared().join("postcard"))]
            fn by_postcard(n: u8) -> $type {
                RUNS.fetch_add(1, Relaxed);
                $make(n)
            }

            #[memoize(persist = shared().join("json"), codec = Json)]
            fn by_json(n: u8) -> $type {
                RUNS.fetch_add(1, Relaxed);
                $make(n)
            }

            #[memoize(persist = shared().join("cbor"), codec = memokit::codec::Cbor, durability = "os")]
            fn by_cbor(n: u8) -> $type {
                RUNS.fetch_add(1, Relaxed);
                $make(n)
            }

            #[test]
            fn the_type_is_refused_by_postcard_and_stored_by_others() {
                restarts!(
                    || {
                        (0..3).for_each(|n| assert_eq!(by_postcard(n), $make(n)));
                        let refused = by_postcard_memo().health().expect_err("the value is not stored");
                        assert!(matches!(refused, Error::Unpersistable { .. }), "{refused}");
                        assert!(refused.to_string().contains("codec"), "{refused}");
                        for n in 0..3 {
                            assert_eq!((by_json(n), by_cbor(n)), ($make(n), $make(n)));
                        }
                        by_json_memo().health().unwrap();
                        by_cbor_memo().health().unwrap();
                    },
                    || {
                        for n in 0..3 {
                            assert_eq!((by_json(n), by_cbor(n)), ($make(n), $make(n)));
                        }
                        assert_eq!(RUNS.load(Relaxed), 0);
                    },
                );
            }
        }
    )*};
}

three_ways! {
    sparse -> Sparse, in skipped_fields;
    untagged -> Untagged, in untagged_variants;
    flat -> Flat, in flattened_fields;
    value -> Value, in any_value;
}

#[test]
fn json_preserves_finite_floats() {
    for x in (1..1000).map(|n| 1.0 / f64::from(n)) {
        let bytes = Json.to_bytes(&x).unwrap();
        let read: f64 = Json.decode(&bytes).unwrap();
        assert_eq!(read, x);
    }
}

#[memoize(persist = folder(), codec = Json)]
fn perhaps(n: u8) -> Option<f64> {
    RUNS.fetch_add(1, Relaxed);
    Some(if n == 0 { f64::NAN } else { 0.1 + f64::from(n) })
}

#[test]
fn a_value_that_a_format_does_not_preserve_stays_in_memory() {
    restarts!(
        || {
            assert!(perhaps(0).unwrap().is_nan());
            let refused = perhaps_memo().health().expect_err("JSON has no NaN").to_string();
            assert!(refused.contains("another value"), "{refused}");
            assert_eq!(perhaps(1), Some(1.1));
            perhaps_memo().health().unwrap();
        },
        || {
            assert!(perhaps(0).unwrap().is_nan());
            assert_eq!((perhaps(1), RUNS.load(Relaxed)), (Some(1.1), 1));
        },
    );
}

/// A user's format: the bytes of JSON in reverse.
#[derive(Default)]
struct Mirrored;

impl Format for Mirrored {
    const NAME: &'static str = "mirrored 1";

    fn write<T: Serialize>(value: &T, out: &mut Sink<'_>) -> Result<(), String> {
        let bytes = serde_json::to_vec(value).map_err(|e| e.to_string())?;
        let reversed: Vec<u8> = bytes.into_iter().rev().collect();
        out.write_all(&reversed).map_err(|e| e.to_string())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
        let bytes: Vec<u8> = bytes.iter().rev().copied().collect();
        serde_json::from_slice(&bytes).map_err(|e| e.to_string())
    }
}

#[memoize(persist = folder(), codec = Mirrored)]
fn mirrored(n: u32) -> HashMap<u32, String> {
    RUNS.fetch_add(1, Relaxed);
    (0..n).map(|n| (n, n.to_string())).collect()
}

/// A type without serde's traits. It has a codec of its own.
struct Opaque(u32);

impl Clone for Opaque {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

#[derive(Default)]
struct ByHand;

impl Codec<Opaque> for ByHand {
    fn schema(&self) -> Result<u128, Error> {
        Ok(0x0fa)
    }

    fn encode(&self, value: &Opaque, out: &mut Sink<'_>) -> Result<(), Error> {
        out.write_all(&value.0.to_be_bytes()).map_err(|_| Error::NotPersistent)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Opaque, Error> {
        let bytes = bytes.try_into().map_err(|_| Error::NotPersistent)?;
        Ok(Opaque(u32::from_be_bytes(bytes)))
    }
}

#[memoize(persist = shared().join("by hand"), codec = ByHand)]
fn opaque(n: u32) -> Result<Opaque, String> {
    RUNS.fetch_add(1, Relaxed);
    if n == 0 { Err("none".into()) } else { Ok(Opaque(n + 1)) }
}

#[test]
fn a_codec_may_be_user_defined() {
    restarts!(|| drop((mirrored(5), opaque(1), opaque(0))), || {
        assert_eq!((mirrored(5), opaque(1).unwrap().0), (mirrored_uncached(5), 2));
        assert_eq!(RUNS.load(Relaxed), 1, "the uncached call");
        assert!(opaque(0).is_err());
    });
}

//! The codec for postcard, whose bytes are small and do not describe themselves.

use std::any::{TypeId, type_name};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check;
use super::explore::Untraced;
use super::format::{Codec, same_byte_counts};
use super::guard::{Guarded, Meter};
use super::refusal::Refusal;
use super::shape::{Shape, fingerprint};
use super::trace::trace;
use crate::error::Error;

/// A part of the fingerprint. Raise the number when the bytes of equal shapes change.
const FORMAT: &str = "postcard 1";

/// What a user can do about a type or value that postcard does not support.
const ALTERNATIVE: &str = "give the function a self-describing codec (`codec = ...`)";

/// The default codec.
///
/// Its bytes contain no names, kinds or field counts, so bytes of one type can decode as another type. Therefore the
/// codec traces the shape of the type. The shape becomes the schema, and every value is compared with it while it is
/// written. The first value is also read back. If the shape cannot be traced (`version = ...`), every value is read
/// back.
///
/// One instance serves one cache. It also works with several types, but traces all of them except the first again at
/// each use.
///
/// ```
/// use memo_core::codec::{Codec, Postcard};
///
/// let codec = Postcard::new();
/// let mut bytes = Vec::new();
/// codec.encode(&vec![1_u32, 300], &mut bytes)?;
/// assert_eq!(bytes, [2, 1, 0xAC, 0x02]);
///
/// let value: Vec<u32> = codec.decode(&bytes)?;
/// assert_eq!(value, [1, 300]);
/// # Ok::<(), memo_core::error::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Postcard {
    traced: OnceLock<TracedType>,
}

/// A type after tracing.
#[derive(Debug)]
struct TracedType {
    type_id: TypeId,
    shape: Result<Shape, Untraced>,
    /// Whether a value has been written and read back.
    round_trip_checked: AtomicBool,
}

impl Postcard {
    /// Makes a codec that has traced no type yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { traced: OnceLock::new() }
    }

    fn with<T: DeserializeOwned + 'static, R>(&self, f: impl FnOnce(&TracedType) -> R) -> R {
        // Tracing does not run inside `get_or_init`, because the user's `Deserialize` may call this codec.
        let first = match self.traced.get() {
            Some(first) => first,
            None => {
                let traced = TracedType::of::<T>();
                self.traced.get_or_init(|| traced)
            }
        };
        if first.type_id == TypeId::of::<T>() { f(first) } else { f(&TracedType::of::<T>()) }
    }
}

impl TracedType {
    fn of<T: DeserializeOwned + 'static>() -> Self {
        let shape = trace::<T>().and_then(|shape| {
            if shape.has_elements_without_bytes() {
                Err(Untraced::Unsupported(Refusal::elements_without_bytes().0))
            } else {
                Ok(shape)
            }
        });
        Self { type_id: TypeId::of::<T>(), shape, round_trip_checked: AtomicBool::new(false) }
    }

    fn write<T>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Refusal>
    where
        T: Serialize + DeserializeOwned,
    {
        let shape = match &self.shape {
            Ok(shape) => Some(shape),
            Err(Untraced::Opaque(_)) => None,
            Err(Untraced::Unsupported(reason)) => return Err(Refusal(reason.clone())),
        };
        let start = out.len();
        check::write(value, shape, out)?;
        if shape.is_none() || !self.round_trip_checked.load(Ordering::Relaxed) {
            check_round_trip::<T>(&out[start..], shape)?;
            self.round_trip_checked.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Reads the bytes back, writes the value again and compares.
///
/// It compares how often each byte occurs, because hash maps and sets are read back in another order.
fn check_round_trip<T>(bytes: &[u8], shape: Option<&Shape>) -> Result<(), Refusal>
where
    T: Serialize + DeserializeOwned,
{
    let value: T =
        read(bytes).map_err(|error| Refusal(format!("a value does not read back ({error})")))?;
    let mut rewritten = Vec::with_capacity(bytes.len());
    check::write(&value, shape, &mut rewritten)?;
    if same_byte_counts(bytes, &rewritten) {
        Ok(())
    } else {
        Err(Refusal("a value reads back as another value".into()))
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ::postcard::Error> {
    let meter = Meter::new(bytes);
    let mut inner = ::postcard::Deserializer::from_bytes(bytes);
    let value = T::deserialize(Guarded::new(&mut inner, &meter))?;
    if inner.finalize()?.is_empty() {
        Ok(value)
    } else {
        Err(serde::de::Error::custom("bytes are left over"))
    }
}

fn unpersistable<T>(reason: String) -> Error {
    Error::Unpersistable { type_name: type_name::<T>(), reason }
}

impl<T> Codec<T> for Postcard
where
    T: Serialize + DeserializeOwned + 'static,
{
    fn schema(&self, version_given: bool) -> Result<u128, Error> {
        // `type_name` may change between compiler releases. That changes the fingerprint and discards the stored
        // results, which is safe.
        let name = type_name::<T>();
        self.with::<T, _>(|traced| match &traced.shape {
            Ok(shape) => Ok(fingerprint(&[FORMAT, name, &shape.text()])),
            Err(Untraced::Opaque(_)) if version_given => {
                Ok(fingerprint(&[FORMAT, name, "untraced"]))
            }
            Err(Untraced::Opaque(reason)) => Err(unpersistable::<T>(format!(
                "{reason}; `version = ...` on the attribute replaces the shape, or {ALTERNATIVE}"
            ))),
            Err(Untraced::Unsupported(reason)) => {
                Err(unpersistable::<T>(format!("{reason}; {ALTERNATIVE}")))
            }
        })
    }

    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        self.with::<T, _>(|traced| traced.write(value, out)).map_err(|refusal| {
            out.truncate(start);
            unpersistable::<T>(format!("{refusal}; fix that, or {ALTERNATIVE}"))
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, Error> {
        read(bytes).map_err(|error| unpersistable::<T>(error.to_string()))
    }
}

//! Values by postcard: the smallest bytes, which say nothing about themselves.

use std::any::{TypeId, type_name};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check;
use super::explore::Untraced;
use super::format::{Codec, same_bytes};
use super::guard::{Guarded, Meter};
use super::refusal::Refusal;
use super::shape::{Shape, fingerprint};
use super::trace::trace;
use crate::error::Error;

/// Goes into the fingerprint: raise it when the bytes of equal shapes change.
const FORMAT: &str = "postcard 1";

const WAY_OUT: &str = "give the function a self-describing codec (`codec = ...`)";

/// The default codec.
///
/// Its bytes hold no names, kinds or field counts, so bytes of one type can decode as another. Therefore the type's
/// shape is traced and becomes the schema, and every value is compared with that shape while it is written. The
/// first value is also read back; so is every value of a type whose shape cannot be traced (`version = ...`).
///
/// One instance serves one cache; used with several types it works, but traces all but the first again each time.
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
    known: OnceLock<Known>,
}

/// What is known of one type.
#[derive(Debug)]
struct Known {
    type_id: TypeId,
    traced: Result<Shape, Untraced>,
    /// A value has been written and read back.
    probed: AtomicBool,
}

impl Postcard {
    /// A codec that has seen no type yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: OnceLock::new() }
    }

    fn with<T: DeserializeOwned + 'static, R>(&self, use_it: impl FnOnce(&Known) -> R) -> R {
        // Not `get_or_init`: tracing runs the user's Deserialize, which may come back here.
        let known = match self.known.get() {
            Some(known) => known,
            None => {
                let traced = Known::of::<T>();
                self.known.get_or_init(|| traced)
            }
        };
        if known.type_id == TypeId::of::<T>() { use_it(known) } else { use_it(&Known::of::<T>()) }
    }
}

impl Known {
    fn of<T: DeserializeOwned + 'static>() -> Self {
        let traced = trace::<T>().and_then(|shape| {
            if shape.has_weightless_elements() {
                Err(Untraced::Uncarried(Refusal::weightless().0))
            } else {
                Ok(shape)
            }
        });
        Self { type_id: TypeId::of::<T>(), traced, probed: AtomicBool::new(false) }
    }

    fn write<T>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Refusal>
    where
        T: Serialize + DeserializeOwned,
    {
        let shape = match &self.traced {
            Ok(shape) => Some(shape),
            Err(Untraced::Opaque(_)) => None,
            Err(Untraced::Uncarried(reason)) => return Err(Refusal(reason.clone())),
        };
        let start = out.len();
        check::write(value, shape, out)?;
        if shape.is_none() || !self.probed.load(Ordering::Relaxed) {
            probe::<T>(&out[start..], shape)?;
            self.probed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Reads the bytes back and writes them again.
///
/// Compared is how often each byte occurs: hash maps and sets come back in another order.
fn probe<T>(bytes: &[u8], shape: Option<&Shape>) -> Result<(), Refusal>
where
    T: Serialize + DeserializeOwned,
{
    let value: T =
        read(bytes).map_err(|error| Refusal(format!("a value does not read back ({error})")))?;
    let mut again = Vec::with_capacity(bytes.len());
    check::write(&value, shape, &mut again)?;
    if same_bytes(bytes, &again) {
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
        // `type_name` may change between compiler releases. That changes the fingerprint and so discards a cache,
        // which is safe.
        let name = type_name::<T>();
        self.with::<T, _>(|known| match &known.traced {
            Ok(shape) => Ok(fingerprint(&[FORMAT, name, &shape.text()])),
            Err(Untraced::Opaque(_)) if version_given => {
                Ok(fingerprint(&[FORMAT, name, "untraced"]))
            }
            Err(Untraced::Opaque(reason)) => Err(unpersistable::<T>(format!(
                "{reason}; `version = ...` on the attribute stands in for the shape, or {WAY_OUT}"
            ))),
            Err(Untraced::Uncarried(reason)) => {
                Err(unpersistable::<T>(format!("{reason}; {WAY_OUT}")))
            }
        })
    }

    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        self.with::<T, _>(|known| known.write(value, out)).map_err(|refusal| {
            out.truncate(start);
            unpersistable::<T>(format!("{refusal}; mend that, or {WAY_OUT}"))
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, Error> {
        read(bytes).map_err(|error| unpersistable::<T>(error.to_string()))
    }
}

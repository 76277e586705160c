//! The traits for codecs: `Codec`, and `Format` for self-describing formats.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::shape::fingerprint;
use super::trace::trace;
use crate::error::Error;
use crate::key::arguments::{Serialized, hash};
use crate::key::hash::Seed;

/// Turns values of `T` into bytes on disk and back. Every [`Format`] is a codec. A type can also implement this trait
/// itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec for `{T}`",
    label = "`codec` names a type that is a `Codec` or a `Format`",
    note = "`memokit::codec` has some; results must be `Serialize` and `Deserialize`"
)]
pub trait Codec<T>: Send + Sync + 'static {
    /// Returns a fingerprint of the name and the serialized shape of the type under this codec. If it changes, stored
    /// results are not found. Two types whose bytes could be confused have different fingerprints, unless
    /// [`Self::decode`] tells them apart.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] if the codec does not support values of `T`.
    fn schema(&self) -> Result<u128, Error>;

    /// Appends the bytes of `value` to `out`.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] if this value does not have the traced shape. `out` is then unchanged.
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error>;

    /// Reads a value that fills all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] if the bytes are not exactly one value.
    fn decode(&self, bytes: &[u8]) -> Result<T, Error>;
}

/// A self-describing format: its bytes say what they contain, with names wherever the type has names. Every format is a
/// [`Codec`] and can be the `codec` of a function.
///
/// postcard is smaller and faster. A self-describing format supports what postcard does not: results with
/// `skip_serializing_if`, untagged enums, `flatten`, `serde_json::Value`.
///
/// Not every value survives every format (JSON has no NaN, and only strings as keys; serde_json reads one float in ten
/// as its neighbour, unless its feature `float_roundtrip` is on). Therefore each value is read back when it is written.
/// If that gives another value, the value stays in memory. A value from disk is used only if it writes the same bytes
/// again, so that a type that has changed since does not fill in missing parts.
///
/// ```
/// # use memo_core as memokit;
/// use memokit::codec::{Codec, Format};
/// use serde::{Serialize, de::DeserializeOwned};
///
/// #[derive(Default)]
/// struct Pretty;
///
/// impl Format for Pretty {
///     const NAME: &'static str = "pretty json 1";
///     fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), String> {
///         serde_json::to_writer_pretty(out, value).map_err(|e| e.to_string())
///     }
///     fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
///         serde_json::from_slice(bytes).map_err(|e| e.to_string())
///     }
/// }
///
/// let mut bytes = Vec::new();
/// Pretty.encode(&[1, 2], &mut bytes)?;
/// let value: [u8; 2] = Pretty.decode(&bytes)?;
/// assert_eq!(value, [1, 2]);
/// # Ok::<(), memo_core::error::Error>(())
/// ```
pub trait Format: Default + Send + Sync + 'static {
    /// The name of the format. Bytes that were written under another name are not read, so change the name whenever the
    /// bytes change.
    const NAME: &'static str;

    /// Appends the bytes of `value`.
    ///
    /// # Errors
    /// The reason why the format does not support the value.
    fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), String>;

    /// Reads a value that fills all of `bytes`. The bytes are as they were written, unless someone forged them: limit
    /// the memory and the depth that they can demand.
    ///
    /// # Errors
    /// The reason why they are not exactly one value.
    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String>;
}

#[diagnostic::do_not_recommend]
impl<F, T> Codec<T> for F
where
    F: Format,
    T: Serialize + DeserializeOwned + 'static,
{
    /// Leaves out a shape that cannot be traced, because the bytes describe themselves.
    fn schema(&self) -> Result<u128, Error> {
        let shape = trace::<T>().map_or_else(|_| "untraced".to_owned(), |shape| shape.text());
        Ok(fingerprint(&[F::NAME, type_name::<T>(), &shape]))
    }

    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let written = F::write(value, out).and_then(|()| {
            let reread: T =
                F::read(&out[start..]).map_err(|e| format!("it does not read back ({e})"))?;
            match same_value(value, &reread, &out[start..], F::write::<T>)? {
                true => Ok(()),
                false => Err(format!(
                    "`{}` does not preserve it: it reads back as another value",
                    F::NAME
                )),
            }
        });
        written.map_err(|reason| {
            out.truncate(start);
            unpersistable::<T>(reason)
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, Error> {
        let value = F::read(bytes).map_err(unpersistable::<T>)?;
        match writes_same_bytes(&value, bytes, F::write::<T>).map_err(unpersistable::<T>)? {
            true => Ok(value),
            false => {
                Err(unpersistable::<T>("the type has changed since it was written".to_owned()))
            }
        }
    }
}

type Write<T> = fn(&T, &mut Vec<u8>) -> Result<(), String>;

/// Reports whether serde sees the same in both values. If a value is too deep to tell, it compares the bytes that
/// `reread` writes instead.
fn same_value<T: Serialize>(
    value: &T,
    reread: &T,
    bytes: &[u8],
    write: Write<T>,
) -> Result<bool, String> {
    let seed = Seed::random();
    let hash = |value| hash(&(Serialized(value), ()), &seed);
    match (hash(value), hash(reread)) {
        (Ok(value), Ok(reread)) => Ok(value == reread),
        _ => writes_same_bytes(reread, bytes, write),
    }
}

/// Reports whether `value` writes these bytes. It compares how often each byte occurs, because hash maps and sets
/// change their order.
fn writes_same_bytes<T>(value: &T, bytes: &[u8], write: Write<T>) -> Result<bool, String> {
    let mut rewritten = Vec::with_capacity(bytes.len());
    write(value, &mut rewritten)?;
    Ok(same_byte_counts(bytes, &rewritten))
}

fn unpersistable<T>(reason: String) -> Error {
    Error::Unpersistable { type_name: type_name::<T>(), reason }
}

/// Reports whether each byte occurs equally often in both.
pub(super) fn same_byte_counts(a: &[u8], b: &[u8]) -> bool {
    let mut counts = [0_isize; 256];
    a.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    b.iter().for_each(|&byte| counts[usize::from(byte)] -= 1);
    counts.iter().all(|&count| count == 0)
}

//! Codecs over formats that describe themselves.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::shape::fingerprint;
use super::trace::trace;
use crate::error::Error;
use crate::key::arguments::{Serialized, hash};
use crate::key::hash::Seed;

/// How values of `T` become bytes on disk. A [`Format`] is one; so is what implements this itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no codec for `{T}`",
    label = "`codec` names a type that is a `Codec` or a `Format`",
    note = "`memokit::codec` has some; results are to be `Serialize` and `Deserialize`"
)]
pub trait Codec<T>: Send + Sync + 'static {
    /// A fingerprint of the type's name and serialized shape under this codec: two types whose bytes could be
    /// mistaken for one another have different fingerprints.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] when values of `T` cannot be carried, or its shape cannot be known.
    /// `version_given`: the user wrote `version = ...`, which stands in for a shape that cannot be traced.
    fn schema(&self, version_given: bool) -> Result<u128, Error>;

    /// Appends the bytes of `value` to `out`.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] when this value does not have the traced shape; `out` is as it was.
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error>;

    /// Reads a value that takes up the whole of `bytes`.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] when the bytes are not exactly one value.
    fn decode(&self, bytes: &[u8]) -> Result<T, Error>;
}

/// A format whose bytes say what they hold, with names where the type has names: it is a [`Codec`] then, and may be the
/// `codec` of a function.
///
/// postcard is smaller and faster. What it cannot carry such a format can: results with `skip_serializing_if`, untagged
/// enums, `flatten`, `serde_json::Value`.
///
/// Not every value survives every format (JSON has no NaN, and only strings as keys). Therefore each is read back
/// when it is written, and stays in memory where that gives another one. A value on disk counts only if it writes
/// the same bytes once it is read, so that a type that has changed since does not fill in what is missing.
///
/// ```
/// use memo_core::codec::{Codec, Format};
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
    /// What was written under another name is not read: change it with the bytes.
    const NAME: &'static str;

    /// Appends the bytes of `value`.
    ///
    /// # Errors
    /// Why the format cannot carry it.
    fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), String>;

    /// Reads a value that takes up the whole of `bytes`. These are as they were written, unless someone forged them:
    /// bound what they can ask for.
    ///
    /// # Errors
    /// Why they are not exactly one value.
    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String>;
}

#[diagnostic::do_not_recommend]
impl<F, T> Codec<T> for F
where
    F: Format,
    T: Serialize + DeserializeOwned + 'static,
{
    /// A shape that cannot be traced is left out: the bytes say enough of it.
    fn schema(&self, _: bool) -> Result<u128, Error> {
        let shape = trace::<T>().map_or_else(|_| "untraced".to_owned(), |shape| shape.text());
        Ok(fingerprint(&[F::NAME, type_name::<T>(), &shape]))
    }

    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let written = F::write(value, out).and_then(|()| {
            let back: T =
                F::read(&out[start..]).map_err(|e| format!("it does not read back ({e})"))?;
            match same(value, &back, &out[start..], F::write::<T>)? {
                true => Ok(()),
                false => {
                    Err(format!("`{}` does not keep it: it reads back as another value", F::NAME))
                }
            }
        });
        written.map_err(|reason| {
            out.truncate(start);
            unpersistable::<T>(reason)
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, Error> {
        let value = F::read(bytes).map_err(unpersistable::<T>)?;
        match writes(&value, bytes, F::write::<T>).map_err(unpersistable::<T>)? {
            true => Ok(value),
            false => {
                Err(unpersistable::<T>("the type has changed since it was written".to_owned()))
            }
        }
    }
}

type Write<T> = fn(&T, &mut Vec<u8>) -> Result<(), String>;

/// Does serde show the same of both? Where a value is too deep to tell so: does it write the same?
fn same<T: Serialize>(value: &T, back: &T, bytes: &[u8], write: Write<T>) -> Result<bool, String> {
    let seed = Seed::random();
    let hash = |value| hash(&(Serialized(value), ()), &seed);
    match (hash(value), hash(back)) {
        (Ok(value), Ok(back)) => Ok(value == back),
        _ => writes(back, bytes, write),
    }
}

/// Does `value` write these bytes? How often each occurs is compared: hash maps and sets come in another order.
fn writes<T>(value: &T, bytes: &[u8], write: Write<T>) -> Result<bool, String> {
    let mut again = Vec::with_capacity(bytes.len());
    write(value, &mut again)?;
    Ok(same_bytes(bytes, &again))
}

fn unpersistable<T>(reason: String) -> Error {
    Error::Unpersistable { type_name: type_name::<T>(), reason }
}

/// Does each byte occur as often in one as in the other?
pub(super) fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    let mut counts = [0_isize; 256];
    one.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    other.iter().for_each(|&byte| counts[usize::from(byte)] -= 1);
    counts.iter().all(|&count| count == 0)
}

//! The traits for codecs: `Codec`, and `Format` for self-describing formats.

use std::any::type_name;
use std::io::BufRead;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

use super::description::Description;
use super::shape::fingerprint;
use super::sink::{Sink, Tally, Written};
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

    /// Returns what programs are told of the type that do not know it. Only memokit's own codecs say more than names.
    #[doc(hidden)]
    fn description(&self) -> Description {
        Description::unknown(type_name::<T>(), type_name::<Self>())
    }

    /// Writes the bytes of `value` to `out`, which is empty.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] if this value does not have the traced shape, or if `out` refuses its bytes.
    fn encode(&self, value: &T, out: &mut Sink<'_>) -> Result<(), Error>;

    /// Reads a value that fills all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Unpersistable`] if the bytes are not exactly one value.
    fn decode(&self, bytes: &[u8]) -> Result<T, Error>;

    /// Returns the bytes of `value`.
    ///
    /// # Errors
    /// Those of [`Self::encode`].
    fn to_bytes(&self, value: &T) -> Result<Vec<u8>, Error> {
        let mut sink = Sink::in_memory();
        self.encode(value, &mut sink)?;
        Ok(sink.into_bytes())
    }
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
/// use memokit::codec::{Codec, Format, Sink};
/// use serde::{Serialize, de::DeserializeOwned};
///
/// #[derive(Default)]
/// struct Pretty;
///
/// impl Format for Pretty {
///     const NAME: &'static str = "pretty json 1";
///     fn write<T: Serialize>(value: &T, out: &mut Sink<'_>) -> Result<(), String> {
///         serde_json::to_writer_pretty(out, value).map_err(|e| e.to_string())
///     }
///     fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
///         serde_json::from_slice(bytes).map_err(|e| e.to_string())
///     }
/// }
///
/// let bytes = Pretty.to_bytes(&[1, 2])?;
/// let value: [u8; 2] = Pretty.decode(&bytes)?;
/// assert_eq!(value, [1, 2]);
/// # Ok::<(), memo_core::error::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a format that describes itself",
    label = "`evolves` needs a `codec` whose bytes name the fields of a value",
    note = "`memokit::codec::Json` and `Cbor` are such formats, and a type that implements `memokit::codec::Format`"
)]
pub trait Format: Default + Send + Sync + 'static {
    /// The name of the format. Bytes that were written under another name are not read, so change the name whenever the
    /// bytes change.
    const NAME: &'static str;

    /// Writes the bytes of `value`, through [`std::io::Write`].
    ///
    /// # Errors
    /// The reason why the format does not support the value.
    fn write<T: Serialize>(value: &T, out: &mut Sink<'_>) -> Result<(), String>;

    /// Reads a value that fills all of `bytes`. The bytes are as they were written, unless someone forged them: limit
    /// the memory and the depth that they can demand.
    ///
    /// # Errors
    /// The reason why they are not exactly one value.
    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String>;

    /// Does what [`Self::read`] does with the bytes of a stream. A long value is read back so when it is written, and
    /// then this should not hold its bytes in memory. By default it does, and calls [`Self::read`].
    ///
    /// # Errors
    /// The reason why they are not exactly one value.
    fn read_stream<T: DeserializeOwned>(mut stream: impl BufRead) -> Result<T, String> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        Self::read(&bytes)
    }
}

#[diagnostic::do_not_recommend]
impl<F, T> Codec<T> for F
where
    F: Format,
    T: Serialize + DeserializeOwned + 'static,
{
    /// Leaves out a shape that cannot be traced, because the bytes describe themselves.
    fn schema(&self) -> Result<u128, Error> {
        let Description { type_name, codec, shape } = Codec::<T>::description(self);
        Ok(fingerprint(&[&codec, &type_name, &shape]))
    }

    fn description(&self) -> Description {
        let shape = trace::<T>().map_or_else(|_| "untraced".to_owned(), |shape| shape.text());
        Description { shape, ..Description::unknown(type_name::<T>(), F::NAME) }
    }

    fn encode(&self, value: &T, out: &mut Sink<'_>) -> Result<(), Error> {
        let written = F::write(value, out).and_then(|()| {
            let reread: T = match out.written().map_err(|refused| refused.to_string())? {
                Written::Bytes(bytes) => F::read(bytes),
                Written::Stream(stream, _) => F::read_stream(stream),
            }
            .map_err(|e| format!("it does not read back ({e})"))?;
            match same_value(value, &reread, out, F::write::<T>)? {
                true => Ok(()),
                false => Err(format!(
                    "`{}` does not preserve it: it reads back as another value",
                    F::NAME
                )),
            }
        });
        written.map_err(unpersistable::<T>)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, Error> {
        let value = F::read(bytes).map_err(unpersistable::<T>)?;
        let written = Written::Bytes(bytes);
        match writes_same_bytes(&value, written, F::write::<T>).map_err(unpersistable::<T>)? {
            true => Ok(value),
            false => {
                Err(unpersistable::<T>("the type has changed since it was written".to_owned()))
            }
        }
    }
}

type Write<T> = fn(&T, &mut Sink<'_>) -> Result<(), String>;

/// Reports whether serde sees the same in both values. If a value is too deep to tell, it compares the bytes that
/// `reread` writes instead.
fn same_value<T: Serialize>(
    value: &T,
    reread: &T,
    out: &mut Sink<'_>,
    write: Write<T>,
) -> Result<bool, String> {
    let seed = Seed::random();
    let hash = |value| hash(&(Serialized(value), ()), &seed);
    match (hash(value), hash(reread)) {
        (Ok(value), Ok(reread)) => Ok(value == reread),
        _ => {
            let written = out.written().map_err(|refused| refused.to_string())?;
            writes_same_bytes(reread, written, write)
        }
    }
}

/// Reports whether `value` writes what was written. It compares how often each byte occurs, because hash maps and sets
/// change their order.
fn writes_same_bytes<T>(value: &T, written: Written<'_>, write: Write<T>) -> Result<bool, String> {
    let rewritten = Tally::of(|sink| write(value, sink))?;
    let written = Tally::of_written(written).map_err(|e| e.to_string())?;
    Ok(rewritten.0 == written.0)
}

fn unpersistable<T>(reason: String) -> Error {
    Error::Unpersistable { type_name: type_name::<T>(), reason }
}

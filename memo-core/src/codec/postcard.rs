//! The codec for postcard, whose bytes are small and do not describe themselves.

use std::any::{TypeId, type_name};
use std::io::{BufRead, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

use super::check;
use super::description::Description;
use super::digest::{Digest, digest};
use super::explore::Untraced;
use super::format::Codec;
use super::malformed::Malformed;
use super::octets;
use super::reader::Reader;
use super::refusal::Refusal;
use super::shape::{Shape, fingerprint};
use super::sink::{Sink, Tally, Written};
use super::source::{Source, Stream};
use super::trace::trace;
use crate::error::Error;

/// A part of the fingerprint. Raise the number when the bytes of equal shapes change.
const FORMAT: &str = "postcard 1";

/// Takes the place of an unknown shape in the fingerprint. Raise the number when equal values get another digest.
const DIGEST: &str = "digest 1";

/// If a value does not have the traced shape after at most this many bytes, it is found out whether its shape varies.
const MAX_EXPLAINED: usize = 64 << 10;

/// What a user can do about a type or value that postcard does not support.
const ALTERNATIVE: &str = "give the function a self-describing codec (`codec = ...`)";

/// The default codec.
///
/// Its bytes contain no names, kinds or field counts, so bytes of one type can decode as another type. Therefore the
/// codec traces the shape of the type: it runs the type's `Deserialize` with sample values. The shape becomes the
/// schema, and every value is compared with it while it is written. The first value is also read back.
///
/// A `Deserialize` that validates its input may refuse all samples (a weekday, a time zone, a compressed bitmap). The
/// shape of such a type is unknown, and its schema has only the type's name. Each of its values is read back as it is
/// written, and is stored after a digest: a 64-bit hash of what serde shows of it, with names and kinds. If what is
/// read back has another digest, the value is refused. From disk, a value is used only if what was read has its digest.
///
/// This proves that serde shows the same of both values, whatever the type has become since. It does not prove that the
/// type means the same by it (meters that became feet), nor anything about what serde does not show
/// (`#[serde(skip)]`); tracing does not prove that either. A hash map whose type memokit does not know may be refused,
/// because it reads back in another order.
///
/// One instance serves one cache. It also works with several types, but traces all of them except the first again at
/// each use.
///
/// ```
/// # use memo_core as memokit;
/// use memokit::codec::{Codec, Postcard};
///
/// let codec = Postcard::new();
/// let bytes = codec.to_bytes(&vec![1_u32, 300])?;
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

    fn write<T>(&self, value: &T, out: &mut Sink<'_>) -> Result<(), Refusal>
    where
        T: Serialize + DeserializeOwned,
    {
        match &self.shape {
            Ok(shape) => self.write_traced(value, shape, out),
            Err(Untraced::Opaque(reason)) => write_untraced(value, out).map_err(|refusal| {
                Refusal(format!("{refusal}, and its shape cannot be traced: {reason}"))
            }),
            Err(Untraced::Unsupported(reason)) => Err(Refusal(reason.clone())),
        }
    }

    fn write_traced<T>(&self, value: &T, shape: &Shape, out: &mut Sink<'_>) -> Result<(), Refusal>
    where
        T: Serialize + DeserializeOwned,
    {
        if let Err(refusal) = check::write(value, Some(shape), out) {
            // Whether another shape is the reason is not worth much memory.
            let is_short = !out.has_failed() && out.position() <= MAX_EXPLAINED as u64;
            let explained = || write_untraced(value, &mut Sink::limited(2 * MAX_EXPLAINED)).is_ok();
            return Err(if is_short && explained() { refusal.of_varying_shape() } else { refusal });
        }
        if !self.round_trip_checked.load(Ordering::Relaxed) {
            check_round_trip::<T>(out, shape)?;
            self.round_trip_checked.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Reads the bytes back, writes the value again and compares.
///
/// It compares how often each byte occurs, because hash maps and sets are read back in another order.
fn check_round_trip<T>(out: &mut Sink<'_>, shape: &Shape) -> Result<(), Refusal>
where
    T: Serialize + DeserializeOwned,
{
    let value: T = read_back(out, 0)?;
    let rewritten = Tally::of(|sink| check::write(&value, Some(shape), sink))?;
    let written = Tally::of_written(out.written()?)?;
    if written.0 == rewritten.0 { Ok(()) } else { Err(Refusal::another_value()) }
}

/// Writes a value of a type that cannot be traced, after its digest, and reads it back.
fn write_untraced<T>(value: &T, out: &mut Sink<'_>) -> Result<(), Refusal>
where
    T: Serialize + DeserializeOwned,
{
    let digest = digest(value)?;
    out.extend(&digest)?;
    check::write(value, None, out)?;
    check_digest::<T>(&read_back(out, digest.len())?, digest)
}

fn read_untraced<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let too_short = || Refusal("its digest is missing".into());
    let (digest, bytes) = bytes.split_first_chunk().ok_or_else(too_short)?;
    let value = read(bytes)?;
    check_digest(&value, *digest)?;
    Ok(value)
}

fn check_digest<T: Serialize>(value: &T, expected: Digest) -> Result<(), Refusal> {
    if digest(value)? == expected { Ok(()) } else { Err(Refusal::another_value()) }
}

/// Reads the value that was written after the first `skipped` bytes.
fn read_back<T: DeserializeOwned>(out: &mut Sink<'_>, skipped: usize) -> Result<T, Refusal> {
    let read = match out.written()? {
        Written::Bytes(bytes) => read(&bytes[skipped..]),
        Written::Stream(mut stream, len) => {
            stream.read_exact(&mut vec![0; skipped])?;
            read_stream(stream, len - skipped as u64)
        }
    };
    read.map_err(|error| Refusal(format!("a value does not read back ({error})")))
}

/// Reads a value that fills all of `bytes`.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    read_all(Reader::new(bytes))
}

/// Does the same for the next `len` bytes of a stream. None of them is held beside the value.
pub(super) fn read_stream<T: DeserializeOwned>(
    reader: impl BufRead,
    len: u64,
) -> Result<T, Malformed> {
    read_all(Reader::new(Stream::new(reader, len)))
}

fn read_all<'de, T: DeserializeOwned, S: Source<'de>>(
    mut reader: Reader<S>,
) -> Result<T, Malformed> {
    let value = T::deserialize(&mut reader)?;
    match reader.source.left() {
        0 => Ok(value),
        _ => Err(Malformed("bytes are left over")),
    }
}

fn unpersistable<T>(reason: String) -> Error {
    Error::Unpersistable { type_name: type_name::<T>(), reason }
}

impl<T> Codec<T> for Postcard
where
    T: Serialize + DeserializeOwned + 'static,
{
    fn schema(&self) -> Result<u128, Error> {
        // `type_name` may change between compiler releases. That changes the fingerprint, and the stored results are not
        // found, which is safe.
        let name = type_name::<T>();
        self.with::<T, _>(|traced| match &traced.shape {
            Ok(shape) => Ok(fingerprint(&[FORMAT, name, &shape.text()])),
            Err(Untraced::Opaque(_)) => Ok(fingerprint(&[FORMAT, name, DIGEST])),
            Err(Untraced::Unsupported(reason)) => {
                Err(unpersistable::<T>(format!("{reason}; {ALTERNATIVE}")))
            }
        })
    }

    fn description(&self) -> Description {
        let shape = self.with::<T, _>(|traced| match &traced.shape {
            Ok(shape) => shape.text(),
            Err(_) => DIGEST.to_owned(),
        });
        Description { shape, ..Description::unknown(type_name::<T>(), FORMAT) }
    }

    fn encode(&self, value: &T, out: &mut Sink<'_>) -> Result<(), Error> {
        self.with::<T, _>(|traced| traced.write(value, out))
            .map_err(|refusal| unpersistable::<T>(format!("{refusal}; fix that, or {ALTERNATIVE}")))
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, Error> {
        if let Some(value) = octets::read(bytes) {
            return Ok(value);
        }
        let value = self.with::<T, _>(|traced| match &traced.shape {
            Err(Untraced::Opaque(_)) => read_untraced(bytes),
            _ => Ok(read(bytes)?),
        });
        value.map_err(|refusal| unpersistable::<T>(refusal.to_string()))
    }
}

//! Conversion of values to bytes and back, and the fingerprint of the shape of a type.

mod byte;
#[cfg(feature = "cbor")]
mod cbor;
mod check;
mod cursor;
mod description;
mod digest;
mod evolving;
mod explore;
mod format;
#[cfg(feature = "json")]
mod json;
mod malformed;
mod octets;
mod postcard;
mod reader;
mod refusal;
mod samples;
mod shape;
#[cfg(any(feature = "inspect", test, fuzzing))]
mod shape_json;
#[cfg(any(feature = "inspect", test, fuzzing))]
mod shape_text;
mod sink;
mod source;
mod trace;
mod varint;

#[cfg(test)]
mod tests;

#[cfg(feature = "cbor")]
pub use self::cbor::Cbor;
#[doc(hidden)]
pub use self::description::Description;
pub(crate) use self::evolving::Evolving;
pub use self::format::{Codec, Format};
#[cfg(feature = "json")]
pub use self::json::Json;
pub use self::postcard::Postcard;
#[cfg(any(feature = "inspect", fuzzing))]
#[doc(hidden)]
pub use self::shape_json::to_json;
#[cfg(any(feature = "inspect", fuzzing))]
#[doc(hidden)]
pub use self::shape_text::{Part, ReadShape};
pub use self::sink::Sink;
pub(crate) use self::sink::{SinkFailure, Spill};

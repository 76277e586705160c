//! The codec for CBOR.

use std::io::BufRead;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

use super::format::Format;
use super::sink::Sink;

/// Stores results as CBOR (RFC 8949), through ciborium (feature `cbor`). It is smaller than JSON and supports all
/// floats and all maps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cbor;

impl Format for Cbor {
    const NAME: &'static str = "cbor 1";

    fn write<T: Serialize>(value: &T, out: &mut Sink<'_>) -> Result<(), String> {
        ciborium::into_writer(value, out).map_err(|e| e.to_string())
    }

    fn read<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, String> {
        let value = ciborium::from_reader(&mut bytes).map_err(|e| e.to_string())?;
        if bytes.is_empty() { Ok(value) } else { Err("bytes are left over".to_owned()) }
    }

    fn read_stream<T: DeserializeOwned>(mut stream: impl BufRead) -> Result<T, String> {
        let value = ciborium::from_reader(&mut stream).map_err(|e| e.to_string())?;
        let rest = stream.fill_buf().map_err(|e| e.to_string())?;
        if rest.is_empty() { Ok(value) } else { Err("bytes are left over".to_owned()) }
    }
}

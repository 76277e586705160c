//! The codec for JSON.

use std::io::BufRead;

use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

use super::format::Format;
use super::sink::Sink;

/// Stores results as JSON, through serde_json (feature `json`).
///
/// JSON supports neither NaN nor infinities. All other floats come back exactly, because the feature `json` turns on
/// `float_roundtrip` of serde_json. JSON supports only maps whose keys are text, numbers or unit variants. Values that
/// it does not support stay in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Format for Json {
    const NAME: &'static str = "json 1";

    fn write<T: Serialize>(value: &T, out: &mut Sink<'_>) -> Result<(), String> {
        serde_json::to_writer(out, value).map_err(|e| e.to_string())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
        serde_json::from_slice(bytes).map_err(|e| e.to_string())
    }

    fn read_stream<T: DeserializeOwned>(stream: impl BufRead) -> Result<T, String> {
        serde_json::from_reader(stream).map_err(|e| e.to_string())
    }
}

//! JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::format::Format;

/// Results as JSON, by serde_json (feature `json`).
///
/// Carries neither NaN nor infinities, and of maps only those whose keys are text, numbers or unit variants. Such values
/// stay in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Format for Json {
    const NAME: &'static str = "json 1";

    fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), String> {
        serde_json::to_writer(out, value).map_err(|e| e.to_string())
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
        serde_json::from_slice(bytes).map_err(|e| e.to_string())
    }
}

//! What `persist` does with the values of a type: they are written by a codec, and read by another instance of it, as
//! the next process does.

use memokit::codec::{Cbor, Codec, Json, Postcard};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::subject::Samples;

/// How values are stored, and what becomes of them. By default: not at all.
#[derive(Default)]
pub struct Storage {
    /// What the attribute needs: nothing, or one of these codecs. Empty if no codec stores the type.
    pub by: Vec<&'static str>,
    /// The codecs that keep all samples, if `by` does not.
    pub for_all: Vec<&'static str>,
    /// The samples that stay in memory.
    pub refused: Vec<&'static str>,
    /// The samples that come back as another value.
    pub changed: Vec<&'static str>,
}

/// The default codec.
pub const DEFAULT: &str = "yes";

/// Stores samples in the least demanding way that keeps any of them.
pub fn store<T>(samples: &Samples<T>, seen: fn(&T) -> String) -> Option<Storage>
where
    T: Serialize + DeserializeOwned + 'static,
{
    let json = || attempt::<T, Json>(samples, seen, "`codec = Json`");
    let cbor = || attempt::<T, Cbor>(samples, seen, "`codec = Cbor`");
    match attempt::<T, Postcard>(samples, seen, DEFAULT) {
        Some(all) if all.refused.is_empty() => Some(all),
        Some(mut some) => {
            let better = better(json(), cbor()).filter(|formats| formats.refused.is_empty());
            some.for_all = better.map_or_else(Vec::new, |formats| formats.by);
            Some(some)
        }
        None => Some(better(json(), cbor()).unwrap_or_default()),
    }
}

fn attempt<T, C>(samples: &Samples<T>, seen: fn(&T) -> String, by: &'static str) -> Option<Storage>
where
    C: Codec<T> + Default,
{
    C::default().schema().ok()?;
    let mut storage =
        Storage { by: vec![by], for_all: Vec::new(), refused: Vec::new(), changed: Vec::new() };
    let writer = C::default();
    for (label, value) in samples {
        let Ok(bytes) = writer.to_bytes(value) else {
            storage.refused.push(label);
            continue;
        };
        if C::default().decode(&bytes).map_or(true, |read| seen(&read) != seen(value)) {
            storage.changed.push(label);
        }
    }
    (storage.refused.len() < samples.len()).then_some(storage)
}

/// Returns the one that keeps more values, or both as one if they do the same.
fn better(json: Option<Storage>, cbor: Option<Storage>) -> Option<Storage> {
    let lost = |storage: &Storage| storage.refused.len() + storage.changed.len();
    match (json, cbor) {
        (Some(mut json), Some(cbor))
            if json.refused == cbor.refused && json.changed == cbor.changed =>
        {
            json.by.extend(cbor.by);
            Some(json)
        }
        (Some(json), Some(cbor)) => Some(if lost(&json) <= lost(&cbor) { json } else { cbor }),
        (json, cbor) => json.or(cbor),
    }
}

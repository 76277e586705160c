//! What a server answered to a query, as what the store returns.

use std::time::Duration;

use memo_core::remote::{Lease, Leased, StoreError, Stored};
use redis::Value;

use crate::error;

/// The answers to the commands of one query.
pub(crate) type Answers = Vec<Value>;

pub(crate) fn stored(answers: Answers) -> Result<Option<Stored>, StoreError> {
    match <[Value; 2]>::try_from(answers) {
        Ok([bytes, left]) => entry(bytes, left).ok_or_else(|| error::unexpected("GET and PTTL")),
        Err(_) => Err(error::unexpected("GET and PTTL")),
    }
}

pub(crate) fn leased(answers: Answers, lease: &Lease) -> Result<Leased, StoreError> {
    read_lease(answers, lease).ok_or_else(|| error::unexpected("a lease"))
}

/// Returns what a script that returns 0 or 1 did.
pub(crate) fn flag(answers: Answers) -> Result<bool, StoreError> {
    match answers.as_slice() {
        [Value::Int(flag)] => Ok(*flag != 0),
        _ => Err(error::unexpected("a script")),
    }
}

pub(crate) fn done(answers: Answers) -> Result<(), StoreError> {
    flag(answers).map(drop)
}

pub(crate) fn generation(answers: Answers) -> Result<u64, StoreError> {
    let bytes = match <[Value; 1]>::try_from(answers) {
        Ok([Value::BulkString(bytes)]) => bytes,
        _ => Vec::new(),
    };
    let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| error::unexpected("the generation of a group"))
}

fn read_lease(answers: Answers, lease: &Lease) -> Option<Leased> {
    let [Value::Array(parts)] = <[Value; 1]>::try_from(answers).ok()? else { return None };
    let [kind, held, left, bytes] = <[Value; 4]>::try_from(parts).ok()?;
    let (Value::Int(kind), Value::Int(held)) = (kind, held) else { return None };
    let entry = entry(bytes, left)?;
    match kind {
        0 => entry.map(Leased::Found),
        1 => Some(Leased::Granted(entry)),
        // A lease without an end was not given by this crate.
        2 => Some(Leased::Held(millis(held).unwrap_or(lease.time), entry)),
        _ => None,
    }
}

/// Returns an entry, or nothing if there is none, or nothing at all if these are no answers about an entry.
fn entry(bytes: Value, left: Value) -> Option<Option<Stored>> {
    match (bytes, left) {
        (Value::Nil, Value::Int(_)) => Some(None),
        (Value::BulkString(bytes), Value::Int(left)) => {
            Some(Some(Stored { bytes, left: millis(left) }))
        }
        _ => None,
    }
}

/// Returns what `PTTL` says. -1 is a key without an end, and -2 is one that ended since it was read.
fn millis(left: i64) -> Option<Duration> {
    (left != -1).then(|| Duration::from_millis(u64::try_from(left).unwrap_or(0)))
}

//! What a server answered to a query, as what the store returns.

use std::time::Duration;

use memo_core::remote::{Leased, StoreError, Stored};
use redis::Value;

use crate::error;

/// The answers to the commands of one query.
pub(crate) type Answers = Vec<Value>;

/// Returns the answers, unless the server has refused something.
pub(crate) fn unless_refused(answers: Answers) -> Option<Answers> {
    let is_refused = |answer: &Value| matches!(answer, Value::ServerError(_));
    (!answers.iter().any(is_refused)).then_some(answers)
}

pub(crate) fn stored(answers: Answers) -> Result<Option<Stored>, StoreError> {
    match <[Value; 2]>::try_from(answers) {
        Ok([bytes, left]) => entry(bytes, left).ok_or_else(|| error::unexpected("for an entry")),
        Err(_) => Err(error::unexpected("for an entry")),
    }
}

/// Reads what came of asking for a lease that lasts for `time`.
pub(crate) fn leased(answers: Answers, time: Duration) -> Result<Leased, StoreError> {
    let parts = match <[Value; 1]>::try_from(answers) {
        Ok([Value::Array(parts)]) => parts,
        _ => return Err(error::unexpected("for a lease")),
    };
    match parts.as_slice() {
        [] => Ok(Leased::Granted),
        // A lease without an end was not given by this crate.
        [Value::Int(left)] => Ok(Leased::Held(millis(*left).unwrap_or(time))),
        _ => stored(parts)?.map(Leased::Found).ok_or_else(|| error::unexpected("for a lease")),
    }
}

pub(crate) fn bytes(answers: Answers) -> Result<Vec<u8>, StoreError> {
    match <[Value; 1]>::try_from(answers) {
        Ok([Value::BulkString(bytes)]) => Ok(bytes),
        _ => Err(error::unexpected("for bytes")),
    }
}

/// Returns what a script that returns 0 or 1 did.
pub(crate) fn flag(answers: Answers) -> Result<bool, StoreError> {
    match <[Value; 1]>::try_from(answers) {
        Ok([Value::Int(flag)]) => Ok(flag != 0),
        _ => Err(error::unexpected("to a script")),
    }
}

pub(crate) fn done(answers: Answers) -> Result<(), StoreError> {
    flag(answers).map(drop)
}

pub(crate) fn generation(answers: Answers) -> Result<u64, StoreError> {
    let bytes = bytes(answers)?;
    let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| error::unexpected("for the generation of a group"))
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

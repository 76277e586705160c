//! Advice on the size of a cache: what hit ratio each capacity would give, estimated from a sample of the calls.
//!
//! All of it is inline, so that only crates with a function that asks for advice build it.

pub mod curve;
pub(crate) mod estimator;
mod fenwick;
pub mod finding;
mod histogram;
mod ladder;
mod miniature;
pub mod observer;
mod pace;
mod references;
mod residents;
pub mod sampler;
mod spread;
mod stack;
pub mod summary;
#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
pub(crate) mod tests;
pub mod unit;

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
#[inline]
fn float(number: u64) -> f64 {
    number as f64
}

/// Returns the nearest whole number, or the largest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
#[inline]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

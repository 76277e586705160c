//! Advice on the size of a cache: what hit ratio each capacity would give, estimated from a sample of the calls.

pub mod curve;
pub(crate) mod estimator;
mod fenwick;
pub mod finding;
mod histogram;
pub mod observer;
mod references;
pub mod sampler;
mod stack;
pub mod summary;
#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests;
pub mod unit;

//! The documentation of what is seen of caches. It stands here so that its code is compiled and run as tests of the
//! documentation.
#![doc = include_str!("../../../docs/observability.md")]

//! Which part of a result is cached, how it is held, weighed and verified.

pub mod holder;
pub mod keep;
mod plain;
pub mod requirements;
pub mod selection;
pub mod share;
pub mod shared;
pub(crate) mod verify;
pub mod weigh;

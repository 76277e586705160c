//! Which part of a result is cached and how it is held, what it weighs, and whether it is still right.

pub mod keep;
pub(crate) mod verify;
pub mod weigh;

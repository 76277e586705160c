//! Which part of a result is cached and how it is held, what it weighs, and whether it is still right.

pub mod holder;
pub mod keep;
pub mod requirements;
pub mod selection;
pub(crate) mod verify;
pub mod weigh;

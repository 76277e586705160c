//! `#[derive(Weigh)]`: from a type to its implementation of the trait.

pub(crate) mod implementation;
pub(crate) mod input;

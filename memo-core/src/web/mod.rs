//! Results in the localStorage of a page: an item for each, and one that tells other tabs what is invalid.
//!
//! The texts are specified in `docs/format.md`.

mod base64;
mod index;
mod item;
mod name;
mod notice;
mod seal;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use item::Item;
pub(crate) use name::ItemName;
pub(crate) use seal::Fault;
pub(crate) use store::{Bounds, WebStore};

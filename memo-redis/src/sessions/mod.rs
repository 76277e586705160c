//! Connections to all masters, and whether they still are what they were.

mod events;
mod guard;
pub(crate) mod health;
pub(crate) mod session;
mod tracker;

//! What a user holds on to: the handle of one cache, the registry of all, and the session of a program.

pub mod memo;
pub mod registry;
pub mod session;

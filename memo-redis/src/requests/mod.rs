//! What the store asks of servers, and how their answers are read.

pub(crate) mod answer;
pub(crate) mod names;
pub(crate) mod query;
mod script;

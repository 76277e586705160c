//! Readers of the values of arguments.

pub(crate) mod duration;
pub(crate) mod expression;
pub(crate) mod size;
pub(crate) mod unit;

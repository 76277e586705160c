//! Tokens to model: the arguments of the attribute, and the function under it.

pub(crate) mod arguments;
pub(crate) mod function;
pub(crate) mod raw;
pub(crate) mod suggestion;
pub(crate) mod values;

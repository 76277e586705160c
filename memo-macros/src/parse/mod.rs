//! Tokens to model: the arguments of the attribute, and the function under it.

pub(crate) mod argument_names;
pub(crate) mod arguments;
pub(crate) mod function;
pub(crate) mod parameter;
pub(crate) mod raw_argument;
pub(crate) mod suggestion;
pub(crate) mod trait_impl;
pub(crate) mod values;

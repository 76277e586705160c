//! Every refusal: mistakes that the macro reports instead of an expansion.

pub(crate) mod bounds;
pub(crate) mod enclosing_item;
pub(crate) mod function;
pub(crate) mod rules;

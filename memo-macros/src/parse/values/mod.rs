//! Readers for the values of arguments. Each takes an argument's name and what follows it.

pub(crate) mod companion;
pub(crate) mod duration;
pub(crate) mod expression;
pub(crate) mod keyword;
pub(crate) mod number;
pub(crate) mod parameter_list;
pub(crate) mod size;
pub(crate) mod text;
pub(crate) mod unit;
pub(crate) mod weight;

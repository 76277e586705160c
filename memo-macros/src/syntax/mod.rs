//! Questions about tokens, attributes and types that are the same in every place.

pub(crate) mod format_string;
pub(crate) mod type_walk;

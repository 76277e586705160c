//! Questions about tokens, attributes and types. Nothing here knows an argument of the macro.

pub(crate) mod attributes;
pub(crate) mod format_string;
pub(crate) mod tokens;
pub(crate) mod type_parts;
pub(crate) mod type_walk;
pub(crate) mod unique_items;

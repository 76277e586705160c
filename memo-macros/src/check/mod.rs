//! Every refusal: the mistakes that are reported instead of an expansion.

pub(crate) mod arguments;
pub(crate) mod attributes;
pub(crate) mod body_location;
pub(crate) mod bounds;
pub(crate) mod companions;
pub(crate) mod enclosing_item;
pub(crate) mod function;
pub(crate) mod instances;
pub(crate) mod item;
pub(crate) mod objects;
pub(crate) mod rules;
pub(crate) mod settings;
pub(crate) mod signature;
pub(crate) mod source_tokens;
pub(crate) mod stores;
#[cfg(test)]
mod testing;

//! Model to tokens: the function that looks into its cache first, and its companions.

pub(crate) mod async_function;
pub(crate) mod attributes;
pub(crate) mod body;
mod build_input;
pub(crate) mod cache;
pub(crate) mod companions;
pub(crate) mod expansion;
pub(crate) mod fingerprint;
pub(crate) mod function;
pub(crate) mod generics;
pub(crate) mod hygiene;
pub(crate) mod key;
pub(crate) mod lints;
pub(crate) mod settings;
pub(crate) mod signature;
pub(crate) mod trait_impl;

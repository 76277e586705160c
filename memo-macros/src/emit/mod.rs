//! Model to tokens: the function that reads its cache first, and its companions.

pub(crate) mod async_function;
pub(crate) mod attributes;
pub(crate) mod body;
pub(crate) mod companions;
pub(crate) mod fingerprint;
pub(crate) mod generics;
pub(crate) mod settings;

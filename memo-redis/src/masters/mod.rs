//! Where the masters are, and which slots each has.

mod cluster;
pub(crate) mod finder;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod topology;

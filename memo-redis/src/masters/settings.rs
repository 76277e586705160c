//! What a builder was told.

use std::time::Duration;

use super::source::Source;

pub(crate) struct Settings {
    pub(crate) source: Source,
    /// How long connecting to one server may take.
    pub(crate) connect_timeout: Duration,
    /// How many connections threads that wait may have to one server.
    pub(crate) pool: usize,
    /// Whether tasks have connections on their own runtimes.
    pub(crate) on_runtimes: bool,
    /// How often each server is asked whether it still tells what changes. It must have answered within twice this.
    pub(crate) heartbeat: Duration,
}

//! The names of keys on the server.

/// Follows the name of an entry in that of its lease. The entry's name has a hash tag, so both are on one node.
const LEASE: &str = "!lease";

/// Returns the name of the lease of an entry.
pub(crate) fn lease(entry: &str) -> String {
    format!("{entry}{LEASE}")
}

/// Returns the entry whose lease has this name, if it is the name of one.
pub(crate) fn leased_entry(name: &str) -> Option<&str> {
    name.strip_suffix(LEASE)
}

/// Returns what the names of all probes begin with, among the names that begin with `prefix`.
pub(crate) fn probes(prefix: &str) -> String {
    format!("{prefix}!probe:")
}

//! What a crash may lose.

/// What a crash may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything since the last `flush()` or `snapshot()`.
    None,
    /// Nothing when the process dies; on power loss what the system had not written.
    Os,
    /// Nothing when the process dies; on power loss the last second.
    #[default]
    Interval,
    /// Nothing.
    Always,
}

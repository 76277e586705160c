//! What a thread of ours looks after.

/// Something to look after each second.
pub(crate) trait Maintain: Send + Sync {
    /// Called each second from a thread that serves all; a panic ends this call and nothing else.
    fn tick(&self);
}

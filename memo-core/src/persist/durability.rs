//! What a crash may lose.

/// What a crash may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything since the last `flush()` or `snapshot()`.
    None,
    /// Nothing when the process dies. When the power fails: what the operating system had not written yet.
    Os,
    /// Nothing when the process dies. When the power fails: the last second.
    #[default]
    Interval,
    /// Nothing.
    Always,
}

/// These methods define what a durability means. Other files call them and name no variant.
impl Durability {
    /// How many bytes of results may wait in memory before a commit writes them. `None`: every commit waits until its
    /// record is written.
    pub(crate) fn buffer_limit(self) -> Option<usize> {
        match self {
            Self::None => Some(1 << 20),
            Self::Os | Self::Interval | Self::Always => None,
        }
    }

    /// Returns whether each write is followed by a sync, before the commits that wait for it return.
    pub(crate) fn syncs_each_write(self) -> bool {
        match self {
            Self::Always => true,
            Self::None | Self::Os | Self::Interval => false,
        }
    }

    /// Returns whether a background thread syncs the log once a second.
    pub(crate) fn syncs_in_background(self) -> bool {
        match self {
            Self::Interval => true,
            Self::None | Self::Os | Self::Always => false,
        }
    }

    /// Returns whether a store writes and syncs its queue when it is dropped.
    pub(crate) fn flushes_on_drop(self) -> bool {
        match self {
            Self::None => false,
            Self::Os | Self::Interval | Self::Always => true,
        }
    }
}

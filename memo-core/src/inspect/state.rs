//! What the processes of a version do at this moment, as far as locks and the shared page tell.

use super::version::Version;
use crate::persist::{Locks, RealFs, observe};

/// What the locks and the page say.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    /// The slots that processes have. Each writes.
    pub writers: Vec<usize>,
    /// The highest number of a record. `None` if nobody writes: then the page means nothing.
    pub sequence: Option<u64>,
    /// How many removals were committed.
    pub removals: u64,
    /// How many snapshots were written since the first process began to write.
    pub merges: u64,
    /// The logs of all slots.
    pub slots: Vec<SlotState>,
}

/// The log of a slot.
#[derive(Debug, Clone, Copy)]
pub struct SlotState {
    /// The number of the log.
    pub log: u64,
    /// How many bytes of it are committed.
    pub len: u64,
}

impl Version {
    /// Looks at locks and page. Reads no records.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        let Some(locks) = Locks::observe(&RealFs, &self.dir) else { return Pulse::default() };
        let writers = locks.taken_slots();
        let page =
            if writers.is_empty() { None } else { observe(&RealFs, &self.dir, Some(&locks)) };
        let Some(page) = page else { return Pulse { writers, ..Pulse::default() } };
        let logs = page.logs().into_iter();
        Pulse {
            writers,
            sequence: Some(page.sequence()),
            removals: page.removals(),
            merges: page.merges(),
            slots: logs.map(|slot| SlotState { log: slot.log, len: slot.len }).collect(),
        }
    }
}

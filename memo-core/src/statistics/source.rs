//! Where a call's value came from, noted for a caller that asks.

use std::cell::Cell;
use std::time::Duration;

use crate::platform::clock;

/// Where the value of a call came from. [`outcome`](crate::call::outcome::outcome) tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The cache had it in memory.
    Hit,
    /// It was read from disk.
    Disk,
    /// It was read from the tier that machines share.
    Remote,
    /// The cache had it, but its time to live has ended: another caller computes it again, or an attempt has failed.
    Stale,
    /// Another caller computed it while this one waited.
    Coalesced,
    /// This call computed it.
    Computed,
}

/// What a call has noted of its value.
#[derive(Clone, Copy)]
pub(crate) struct Noted {
    pub(crate) source: Source,
    /// When the value was computed, in milliseconds since 1970, if that is known.
    computed: Option<u64>,
}

impl Noted {
    /// Returns the time since the value was computed.
    pub(crate) fn age(self) -> Option<Duration> {
        Some(Duration::from_millis(clock::wall().saturating_sub(self.computed?)))
    }
}

thread_local! {
    /// What the last call of this thread has noted. `None` if nobody asks.
    static NOTED: Cell<Option<Option<Noted>>> = const { Cell::new(None) };
}

/// Notes the source of a call's value, and when it was computed, if somebody asks. A call notes it after the calls that
/// its body makes.
#[inline]
pub(crate) fn note(source: Source, computed: impl FnOnce() -> Option<u64>) {
    if NOTED.get().is_some() {
        let computed = computed();
        NOTED.set(Some(Some(Noted { source, computed })));
    }
}

/// Notes a value that was computed just now.
#[inline]
pub(crate) fn note_new(source: Source) {
    note(source, || Some(clock::wall()));
}

/// Notes what another thread or task has noted of this call, if somebody asks.
pub(crate) fn note_again(noted: Option<Noted>) {
    if noted.is_some() && NOTED.get().is_some() {
        NOTED.set(Some(noted));
    }
}

/// Until it ends, calls of this thread note their sources. Watches can be nested.
pub(crate) struct Watch {
    outer: Option<Option<Noted>>,
}

impl Watch {
    pub(crate) fn begin() -> Self {
        Self { outer: NOTED.replace(Some(None)) }
    }

    /// Returns what was noted last.
    pub(crate) fn noted(&self) -> Option<Noted> {
        NOTED.get().flatten()
    }

    /// Returns what was noted last. The enclosing watch gets it too.
    pub(crate) fn end(mut self) -> Option<Noted> {
        let noted = self.noted();
        if noted.is_some() && self.outer.is_some() {
            self.outer = Some(noted);
        }
        noted
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        NOTED.set(self.outer);
    }
}

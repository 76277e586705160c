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
    /// Whether the cache has it. False if what was computed is an error or was rejected.
    pub(crate) is_kept: bool,
}

impl Noted {
    /// Returns the time since the value was computed.
    #[inline]
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
    note_as(source, computed, true);
}

/// Does the same for a value that the cache may not have.
#[inline]
fn note_as(source: Source, computed: impl FnOnce() -> Option<u64>, is_kept: bool) {
    if NOTED.get().is_some() {
        let computed = computed();
        NOTED.set(Some(Some(Noted { source, computed, is_kept })));
    }
}

/// Notes a value that another caller computed just now.
#[inline]
pub(crate) fn note_coalesced() {
    note(Source::Coalesced, || Some(clock::wall()));
}

/// Notes a value that this call computed just now.
#[inline]
pub(crate) fn note_computed(is_kept: bool) {
    note_as(Source::Computed, || Some(clock::wall()), is_kept);
}

/// Notes an older value that a call returns because its computation failed.
#[inline]
pub(crate) fn note_older(computed: impl FnOnce() -> Option<u64>) {
    note_as(Source::Stale, computed, false);
}

/// Notes what another thread or task has noted of this call, if somebody asks.
#[inline]
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
    #[inline]
    pub(crate) fn begin() -> Self {
        Self { outer: NOTED.replace(Some(None)) }
    }

    /// Returns what was noted last.
    #[inline]
    pub(crate) fn noted(&self) -> Option<Noted> {
        NOTED.get().flatten()
    }

    /// Returns what was noted last. The enclosing watch gets it too.
    #[inline]
    pub(crate) fn end(mut self) -> Option<Noted> {
        let noted = self.noted();
        if noted.is_some() && self.outer.is_some() {
            self.outer = Some(noted);
        }
        noted
    }
}

impl Drop for Watch {
    #[inline]
    fn drop(&mut self) {
        NOTED.set(self.outer);
    }
}

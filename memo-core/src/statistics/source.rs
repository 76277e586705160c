//! Where a call's value came from, noted for a caller that asks.

use std::cell::Cell;

/// Where the value of a call came from. [`outcome`](crate::call::outcome::outcome) tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The cache had it.
    Hit,
    /// The cache had it, but its time to live has ended: another caller computes it again, or an attempt has failed.
    Stale,
    /// Another caller computed it while this one waited.
    Coalesced,
    /// This call computed it.
    Computed,
}

thread_local! {
    /// What the last call of this thread has noted, or `None` if nobody asks.
    static NOTED: Cell<Option<Option<Source>>> = const { Cell::new(None) };
}

/// Notes the source of a call's value, if somebody asks. A call notes it after the calls that its body makes.
#[inline]
pub(crate) fn note(source: Source) {
    if NOTED.get().is_some() {
        NOTED.set(Some(Some(source)));
    }
}

/// Until it ends, calls of this thread note their sources. Watches can be nested.
pub(crate) struct Watch {
    outer: Option<Option<Source>>,
}

impl Watch {
    pub(crate) fn begin() -> Self {
        Self { outer: NOTED.replace(Some(None)) }
    }

    /// Returns what was noted last. The enclosing watch gets it too.
    pub(crate) fn end(mut self) -> Option<Source> {
        let noted = NOTED.get().flatten();
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

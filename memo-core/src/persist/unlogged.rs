//! The records that reached no log.

use crate::error::Error;

/// The spans of sequences whose records reached no log, and the reason. Until a snapshot is in place, these records are
/// only in memory.
#[derive(Default)]
pub(crate) struct Unlogged {
    /// First and last sequence of each span that has ended.
    spans: Vec<(u64, u64)>,
    /// While the log is broken: the first sequence of the span that has not ended.
    open: Option<u64>,
    /// Why the latest span began.
    error: Option<Error>,
}

impl Unlogged {
    /// Begins a span at `from`, unless one is open.
    pub(crate) fn begin(&mut self, from: u64, error: &Error) {
        self.open.get_or_insert(from);
        self.error = Some(error.clone());
    }

    /// Ends the open span at `to`: records after it go to another log.
    pub(crate) fn end(&mut self, to: u64) {
        self.spans.extend(self.open.take().map(|from| (from, to)));
    }

    /// Undoes [`Self::end`] because the other log failed too.
    pub(crate) fn reopen(&mut self) {
        self.open = self.spans.pop().map(|(from, _)| from);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Returns whether this sequence is in the open span. If its record is a removal, no log has it as a pending
    /// removal either.
    pub(crate) fn is_open_at(&self, sequence: u64) -> bool {
        self.open.is_some_and(|from| from <= sequence)
    }

    /// Returns why the latest span began, if there is any span.
    pub(crate) fn reason(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Returns the reason if this record is unlogged.
    pub(crate) fn reason_of(&self, sequence: u64) -> Option<&Error> {
        let within = |(from, to): &(u64, u64)| (*from..=*to).contains(&sequence);
        let unlogged = self.is_open_at(sequence) || self.spans.iter().any(within);
        self.error.as_ref().filter(|_| unlogged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_written_between_two_failures_are_not_unlogged() {
        let mut unlogged = Unlogged::default();
        let sequences = |unlogged: &Unlogged| {
            (1..=9).filter(|n| unlogged.reason_of(*n).is_some()).collect::<Vec<_>>()
        };
        unlogged.begin(2, &Error::NotPersistent);
        assert_eq!(sequences(&unlogged), [2, 3, 4, 5, 6, 7, 8, 9]);
        unlogged.end(3);
        assert_eq!(sequences(&unlogged), [2, 3]);
        unlogged.reopen();
        unlogged.end(4);
        unlogged.begin(8, &Error::NotPersistent);
        assert_eq!(sequences(&unlogged), [2, 3, 4, 8, 9]);
        assert!(unlogged.is_open_at(8) && !unlogged.is_open_at(3));
    }
}

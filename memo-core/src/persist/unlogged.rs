//! Which records reached no log.

use crate::error::Error;

/// Records that are in memory alone until a snapshot is in place: spans of sequences, and why.
#[derive(Default)]
pub(crate) struct Unlogged {
    spans: Vec<(u64, u64)>,
    /// While the log is broken: everything from here on.
    open: Option<u64>,
    error: Option<Error>,
}

impl Unlogged {
    pub(crate) fn begin(&mut self, from: u64, error: &Error) {
        self.open.get_or_insert(from);
        self.error = Some(error.clone());
    }

    /// Records after `to` go to another log.
    pub(crate) fn end(&mut self, to: u64) {
        self.spans.extend(self.open.take().map(|from| (from, to)));
    }

    /// Undoes [`Self::end`] when that log failed too.
    pub(crate) fn go_on(&mut self) {
        self.open = self.spans.pop().map(|(from, _)| from);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Is it lost, and in no later log either should it be an invalidation?
    pub(crate) fn owes(&self, sequence: u64) -> bool {
        self.open.is_some_and(|from| from <= sequence)
    }

    /// Why anything is lost, if something is.
    pub(crate) fn reason(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Why this record is, if it is.
    pub(crate) fn reason_of(&self, sequence: u64) -> Option<&Error> {
        let within = |(from, to): &(u64, u64)| (*from..=*to).contains(&sequence);
        let lost = self.owes(sequence) || self.spans.iter().any(within);
        self.error.as_ref().filter(|_| lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_between_two_failures_is_not_lost() {
        let mut lost = Unlogged::default();
        let told =
            |lost: &Unlogged| (1..=9).filter(|n| lost.reason_of(*n).is_some()).collect::<Vec<_>>();
        lost.begin(2, &Error::NotPersistent);
        assert_eq!(told(&lost), [2, 3, 4, 5, 6, 7, 8, 9]);
        lost.end(3);
        assert_eq!(told(&lost), [2, 3]);
        lost.go_on();
        lost.end(4);
        lost.begin(8, &Error::NotPersistent);
        assert_eq!(told(&lost), [2, 3, 4, 8, 9]);
        assert!(lost.owes(8) && !lost.owes(3));
    }
}

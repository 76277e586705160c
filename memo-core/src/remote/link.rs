//! Whether the changes in the store reach this process.

use std::time::Duration;

use crate::persist::WallMillis;
use crate::platform::clock::{self, Instant};
use crate::platform::sync::usual::{Condvar, Mutex};

/// The state of the connection.
pub(super) struct Link {
    state: Mutex<State>,
    /// Notified when the phase changes.
    changed: Condvar,
}

struct State {
    phase: Phase,
    /// Counts the changes of `phase`.
    epoch: u64,
    /// When changes began to reach this process last, in milliseconds since 1970.
    joined_at: WallMillis,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first attempt to connect has not ended. Calls wait for it.
    First(Instant),
    /// Changes reach this process, but what it has removed meanwhile may still be there. It is told to the store now, or
    /// again later if that has failed.
    Joining(Instant),
    Stalled(Instant),
    /// Changes reach this process.
    Up,
    /// They do not, since then.
    Down(Instant),
}

impl Phase {
    fn is_coming(self) -> bool {
        matches!(self, Self::First(_) | Self::Joining(_))
    }
}

impl Link {
    pub(super) fn new() -> Self {
        let phase = Phase::First(clock::instant());
        let state = Mutex::new(State { phase, epoch: 0, joined_at: 0 });
        Self { state, changed: Condvar::new() }
    }

    /// Begins to join. Returns the epoch.
    pub(super) fn join(&self) -> u64 {
        let since = self.down_since().unwrap_or_else(clock::instant);
        self.state.lock().joined_at = clock::wall();
        self.change(Phase::Joining(since))
    }

    /// Notes that joining has failed, unless something has happened since it began in that epoch.
    pub(super) fn stall(&self, epoch: u64) {
        let mut state = self.state.lock();
        if let (true, Phase::Joining(since)) = (state.epoch == epoch, state.phase) {
            state.phase = Phase::Stalled(since);
            self.changed.notify_all();
        }
    }

    /// Begins again to join if it has failed. Returns the epoch then.
    pub(super) fn join_again(&self) -> Option<u64> {
        let mut state = self.state.lock();
        let Phase::Stalled(since) = state.phase else { return None };
        state.phase = Phase::Joining(since);
        Some(state.epoch)
    }

    /// Ends joining, unless something has happened since it began in that epoch. Returns whether it has.
    pub(super) fn up(&self, epoch: u64) -> bool {
        let mut state = self.state.lock();
        let is_same = state.epoch == epoch && matches!(state.phase, Phase::Joining(_));
        if is_same {
            state.phase = Phase::Up;
            self.changed.notify_all();
        }
        is_same
    }

    /// Notes that changes may be missed from now on.
    pub(super) fn down(&self) {
        let since = self.down_since().unwrap_or_else(clock::instant);
        self.change(Phase::Down(since));
    }

    fn change(&self, phase: Phase) -> u64 {
        let mut state = self.state.lock();
        state.phase = phase;
        state.epoch += 1;
        self.changed.notify_all();
        state.epoch
    }

    fn down_since(&self) -> Option<Instant> {
        match self.state.lock().phase {
            Phase::First(since)
            | Phase::Joining(since)
            | Phase::Stalled(since)
            | Phase::Down(since) => Some(since),
            Phase::Up => None,
        }
    }

    /// Returns whether changes reach this process.
    pub(super) fn is_up(&self) -> bool {
        self.state.lock().phase == Phase::Up
    }

    pub(super) fn joined_at(&self) -> WallMillis {
        self.state.lock().joined_at
    }

    /// Returns whether changes may reach this process at any moment: the first attempt to connect has not ended, or this
    /// process joins.
    pub(super) fn is_coming(&self) -> bool {
        self.state.lock().phase.is_coming()
    }

    /// Waits until that is not so any more. Returns false if it still is at `deadline`.
    pub(super) fn await_coming(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        let mut is_late = false;
        while state.phase.is_coming() && !is_late {
            (state, is_late) = self.changed.wait_until(state, deadline);
        }
        !state.phase.is_coming()
    }

    /// Returns a number that changes when the connection does, and how long there has been none.
    pub(super) fn down_for(&self) -> (u64, Option<Duration>) {
        let since = self.down_since().map(|since| clock::instant() - since);
        (self.state.lock().epoch, since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_ends_only_if_nothing_has_happened_since() {
        let link = Link::new();
        assert!(link.is_coming() && !link.is_up());
        let first = link.join();
        assert!(link.is_coming() && !link.is_up());
        link.down();
        assert!(!link.up(first) && !link.is_up());
        let second = link.join();
        assert!(!link.up(first) && link.up(second) && link.is_up());
        assert_eq!(link.down_for().1, None);
        link.down();
        assert!(link.down_for().1.is_some() && !link.is_up());
    }
}

//! Whether the changes in the store reach this process.

use std::time::{Duration, Instant};

use crate::persist::WallMillis;
use crate::platform::clock;
use crate::platform::sync::usual::Mutex;

/// The state of the connection.
pub(super) struct Link(Mutex<State>);

struct State {
    phase: Phase,
    /// Counts the changes of `phase`.
    epoch: u64,
    /// When changes began to reach this process last, in milliseconds since 1970.
    joined_at: WallMillis,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There was no connection yet. Requests may wait for it.
    First(Instant),
    /// Changes reach this process, but what it has removed meanwhile may still be there.
    Joining(Instant),
    /// Changes reach this process.
    Up,
    /// They do not, since then.
    Down(Instant),
}

impl Link {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { phase: Phase::First(clock::instant()), epoch: 0, joined_at: 0 }))
    }

    /// Begins to join. Returns the epoch.
    pub(super) fn join(&self) -> u64 {
        let since = self.down_since().unwrap_or_else(clock::instant);
        self.0.lock().joined_at = clock::wall();
        self.change(Phase::Joining(since))
    }

    /// Returns the epoch if it is joining.
    pub(super) fn joining(&self) -> Option<u64> {
        let state = self.0.lock();
        matches!(state.phase, Phase::Joining(_)).then_some(state.epoch)
    }

    /// Ends joining, unless something has happened since it began in that epoch. Returns whether it has.
    pub(super) fn up(&self, epoch: u64) -> bool {
        let mut state = self.0.lock();
        let is_same = state.epoch == epoch && matches!(state.phase, Phase::Joining(_));
        if is_same {
            state.phase = Phase::Up;
        }
        is_same
    }

    /// Notes that changes may be missed from now on.
    pub(super) fn down(&self) {
        let since = self.down_since().unwrap_or_else(clock::instant);
        self.change(Phase::Down(since));
    }

    fn change(&self, phase: Phase) -> u64 {
        let mut state = self.0.lock();
        state.phase = phase;
        state.epoch += 1;
        state.epoch
    }

    fn down_since(&self) -> Option<Instant> {
        match self.0.lock().phase {
            Phase::First(since) | Phase::Joining(since) | Phase::Down(since) => Some(since),
            Phase::Up => None,
        }
    }

    /// Returns whether changes reach this process.
    pub(super) fn is_up(&self) -> bool {
        self.0.lock().phase == Phase::Up
    }

    pub(super) fn joined_at(&self) -> WallMillis {
        self.0.lock().joined_at
    }

    /// Returns whether a request makes sense: there is a connection, or one may come soon.
    pub(super) fn is_usable(&self) -> bool {
        matches!(self.0.lock().phase, Phase::Up | Phase::First(_))
    }

    /// Returns a number that changes when the connection does, and how long there has been none.
    pub(super) fn down_for(&self) -> (u64, Option<Duration>) {
        let since = self.down_since().map(|since| clock::instant() - since);
        (self.0.lock().epoch, since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_ends_only_if_nothing_has_happened_since() {
        let link = Link::new();
        assert!(link.is_usable() && !link.is_up());
        let first = link.join();
        assert!(!link.is_usable());
        link.down();
        assert!(!link.up(first) && !link.is_usable());
        let second = link.join();
        assert!(!link.up(first) && link.up(second) && link.is_up());
        assert_eq!(link.down_for().1, None);
        link.down();
        assert!(link.down_for().1.is_some() && !link.is_usable());
    }
}

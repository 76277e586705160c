//! Wakers that wait for one flight, in order of arrival.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

/// A task's place among those who wait. It keeps it until it leaves, however often it is woken.
pub(crate) type WakerId = u64;

#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// The ticket of the first place.
    first: WakerId,
    /// Neither the first nor the last is left.
    places: VecDeque<Place>,
}

#[derive(Debug)]
enum Place {
    Left,
    /// Woken, and not seen since: to wake it once more would be of no use.
    Woken,
    /// With the time at which its patience ends; `None`: never.
    Asleep(Waker, Option<Instant>),
}

impl Wakers {
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Puts `waker` at the place of `ticket`, or at a new one. What was there is handed back, to be dropped with no
    /// lock held, as whatever runs an executor's code.
    pub(crate) fn park(
        &mut self,
        ticket: &mut Option<WakerId>,
        waker: Waker,
        until: Option<Instant>,
    ) -> Option<Waker> {
        let asleep = Place::Asleep(waker, until);
        match ticket.and_then(|ticket| self.place(ticket)) {
            Some(place) => std::mem::replace(place, asleep).waker(),
            None => {
                *ticket = Some(self.first + self.places.len() as u64);
                self.places.push_back(asleep);
                None
            }
        }
    }

    pub(crate) fn leave(&mut self, ticket: WakerId) -> Option<Waker> {
        let left = std::mem::replace(self.place(ticket)?, Place::Left);
        while let Some(Place::Left) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
        while let Some(Place::Left) = self.places.back() {
            self.places.pop_back();
        }
        left.waker()
    }

    fn place(&mut self, ticket: WakerId) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(ticket.checked_sub(self.first)?).ok()?)
    }

    /// The first that sleeps, to be woken.
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.wake(|_| true)
    }

    /// The first whose patience has ended, to be woken.
    pub(crate) fn wake_late(&mut self, now: Instant) -> Option<Waker> {
        self.wake(|until| until.is_some_and(|until| until <= now))
    }

    fn wake(&mut self, wanted: impl Fn(Option<Instant>) -> bool) -> Option<Waker> {
        let mut asleep = self.places.iter_mut();
        let place = asleep.find(|p| matches!(p, Place::Asleep(_, until) if wanted(*until)))?;
        std::mem::replace(place, Place::Woken).waker()
    }

    /// All leave.
    pub(crate) fn take_all(&mut self) -> Departing {
        self.first += self.places.len() as u64;
        Departing(std::mem::take(&mut self.places))
    }
}

/// Wakers that have left, to be woken with no lock held.
pub(crate) struct Departing(VecDeque<Place>);

impl Departing {
    /// Says how many there were.
    pub(crate) fn wake(self) -> usize {
        self.0.into_iter().filter_map(Place::waker).map(Waker::wake).count()
    }
}

impl Place {
    fn waker(self) -> Option<Waker> {
        match self {
            Self::Asleep(waker, _) => Some(waker),
            Self::Left | Self::Woken => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn arrive(tasks: &mut Wakers, until: Option<Instant>) -> WakerId {
        let mut ticket = None;
        assert!(tasks.park(&mut ticket, Waker::noop().clone(), until).is_none());
        ticket.unwrap()
    }

    #[test]
    fn places_are_kept_until_their_tasks_leave() {
        let mut tasks = Wakers::default();
        let tickets: Vec<_> = (0..5).map(|_| arrive(&mut tasks, None)).collect();
        for ticket in [1, 3, 0] {
            assert!(tasks.leave(tickets[ticket]).is_some());
        }
        assert!(tasks.leave(tickets[3]).is_none());
        assert_eq!(tasks.places.len(), 3);
        assert!(tasks.wake_first().is_some() && tasks.wake_first().is_some());
        assert!(tasks.wake_first().is_none());
        let mut again = Some(tickets[4]);
        tasks.park(&mut again, Waker::noop().clone(), None);
        assert_eq!(again, Some(tickets[4]));
        assert!(tasks.leave(tickets[4]).is_some());
        assert!(tasks.leave(tickets[2]).is_none());
        assert!(tasks.is_empty());
        // Whoever has left holds no ticket, so its number may be another's; who was let go still holds one.
        let held = arrive(&mut tasks, None);
        assert_eq!(tasks.take_all().wake(), 1);
        let other = arrive(&mut tasks, None);
        assert!(tasks.leave(held).is_none() && tasks.leave(other).is_some());
    }

    #[test]
    fn those_who_are_late_are_woken_one_by_one() {
        let now = Instant::now();
        let later = now + Duration::from_secs(5);
        let mut tasks = Wakers::default();
        for until in [None, Some(later), Some(now)] {
            arrive(&mut tasks, until);
        }
        assert!(tasks.wake_late(now).is_some() && tasks.wake_late(now).is_none());
        assert!(tasks.wake_late(later).is_some());
        assert_eq!(tasks.take_all().wake(), 1);
        assert!(tasks.is_empty());
    }
}

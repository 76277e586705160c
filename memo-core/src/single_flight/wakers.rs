//! The wakers of the tasks that wait for one flight, in order of arrival.

use std::collections::VecDeque;
use std::task::Waker;

use crate::platform::clock::Instant;

/// Identifies a waiting task. A task keeps its id until it is removed, however often it is woken.
pub(crate) type WakerId = u64;

#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// The id of the first slot. The ids of the other slots follow in steps of one.
    first: WakerId,
    /// Neither the first nor the last slot is vacant.
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
enum Slot {
    /// The task was removed.
    Vacant,
    /// The task was woken and was not polled since. It needs no second wake-up.
    Woken,
    /// The waker of the task, and its deadline. `None`: no deadline.
    Waiting(Waker, Option<Instant>),
}

impl Wakers {
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Stores `waker` in the slot of `id`, or in a new slot, whose id it then stores in `id`. Returns the waker that it
    /// replaces. The caller drops that while it holds no lock, because dropping a waker runs code of an executor.
    #[inline]
    pub(crate) fn register(
        &mut self,
        id: &mut Option<WakerId>,
        waker: Waker,
        deadline: Option<Instant>,
    ) -> Option<Waker> {
        let waiting = Slot::Waiting(waker, deadline);
        match id.and_then(|id| self.slot(id)) {
            Some(slot) => std::mem::replace(slot, waiting).waker(),
            None => {
                *id = Some(self.first + self.slots.len() as u64);
                self.slots.push_back(waiting);
                None
            }
        }
    }

    #[inline]
    pub(crate) fn remove(&mut self, id: WakerId) -> Option<Waker> {
        let removed = std::mem::replace(self.slot(id)?, Slot::Vacant);
        while let Some(Slot::Vacant) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
        while let Some(Slot::Vacant) = self.slots.back() {
            self.slots.pop_back();
        }
        removed.waker()
    }

    #[inline]
    fn slot(&mut self, id: WakerId) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(id.checked_sub(self.first)?).ok()?)
    }

    /// Marks the first waiting task as woken and returns its waker. The caller wakes it.
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.wake(|_| true)
    }

    /// Marks the first waiting task whose deadline has passed as woken and returns its waker. The caller wakes it.
    pub(crate) fn wake_late(&mut self, now: Instant) -> Option<Waker> {
        self.wake(|deadline| deadline.is_some_and(|deadline| deadline <= now))
    }

    fn wake(&mut self, wanted: impl Fn(Option<Instant>) -> bool) -> Option<Waker> {
        let mut slots = self.slots.iter_mut();
        let slot = slots.find(|s| matches!(s, Slot::Waiting(_, deadline) if wanted(*deadline)))?;
        std::mem::replace(slot, Slot::Woken).waker()
    }

    /// Removes all tasks.
    pub(crate) fn take_all(&mut self) -> TakenWakers {
        self.first += self.slots.len() as u64;
        TakenWakers(std::mem::take(&mut self.slots))
    }
}

/// Removed wakers. The caller wakes them while it holds no lock.
pub(crate) struct TakenWakers(VecDeque<Slot>);

impl TakenWakers {
    /// Wakes all of them and returns how many there were.
    pub(crate) fn wake(self) -> usize {
        self.0.into_iter().filter_map(Slot::waker).map(Waker::wake).count()
    }
}

impl Slot {
    fn waker(self) -> Option<Waker> {
        match self {
            Self::Waiting(waker, _) => Some(waker),
            Self::Vacant | Self::Woken => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn register(wakers: &mut Wakers, deadline: Option<Instant>) -> WakerId {
        let mut id = None;
        assert!(wakers.register(&mut id, Waker::noop().clone(), deadline).is_none());
        id.unwrap()
    }

    #[test]
    fn a_task_keeps_its_slot_until_it_is_removed() {
        let mut wakers = Wakers::default();
        let ids: Vec<_> = (0..5).map(|_| register(&mut wakers, None)).collect();
        for id in [1, 3, 0] {
            assert!(wakers.remove(ids[id]).is_some());
        }
        assert!(wakers.remove(ids[3]).is_none());
        assert_eq!(wakers.slots.len(), 3);
        assert!(wakers.wake_first().is_some() && wakers.wake_first().is_some());
        assert!(wakers.wake_first().is_none());
        let mut again = Some(ids[4]);
        wakers.register(&mut again, Waker::noop().clone(), None);
        assert_eq!(again, Some(ids[4]));
        assert!(wakers.remove(ids[4]).is_some());
        assert!(wakers.remove(ids[2]).is_none());
        assert!(wakers.is_empty());
        // A task that removed itself holds no id any more, so another task may get the same number. A task that
        // `take_all` removed still holds its id, so no other task may get that number.
        let held = register(&mut wakers, None);
        assert_eq!(wakers.take_all().wake(), 1);
        let other = register(&mut wakers, None);
        assert!(wakers.remove(held).is_none() && wakers.remove(other).is_some());
    }

    #[test]
    fn tasks_past_their_deadline_are_woken_one_by_one() {
        let now = Instant::now();
        let later = now + Duration::from_secs(5);
        let mut wakers = Wakers::default();
        for deadline in [None, Some(later), Some(now)] {
            register(&mut wakers, deadline);
        }
        assert!(wakers.wake_late(now).is_some() && wakers.wake_late(now).is_none());
        assert!(wakers.wake_late(later).is_some());
        assert_eq!(wakers.take_all().wake(), 1);
        assert!(wakers.is_empty());
    }
}

//! Wakes those who wait for what others compute, when the store tells of it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::Waker;

use crate::platform::sync::usual::Mutex;

/// Those who wait, by the names of entries.
#[derive(Default)]
pub(super) struct Notices(Mutex<HashMap<String, Vec<Weak<Bell>>>>);

/// What one waits at.
#[derive(Default)]
struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    times: u64,
    waker: Option<Waker>,
}

/// The wait for what happens to an entry.
pub(super) struct Notice {
    notices: Arc<Notices>,
    entry: String,
    bell: Arc<Bell>,
    seen: u64,
}

impl Notices {
    /// Begins to wait for what happens to an entry from now on.
    pub(super) fn wait(self: &Arc<Self>, entry: &str) -> Notice {
        let bell = Arc::default();
        self.0.lock().entry(entry.to_owned()).or_default().push(Arc::downgrade(&bell));
        Notice { notices: Arc::clone(self), entry: entry.to_owned(), bell, seen: 0 }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Wakes those who wait for this entry.
    pub(super) fn ring(&self, entry: &str) {
        let bells = self.0.lock().get(entry).cloned();
        bells.iter().flatten().filter_map(Weak::upgrade).for_each(|bell| bell.ring());
    }

    /// Wakes all.
    pub(super) fn ring_all(&self) {
        let bells: Vec<_> = self.0.lock().values().flatten().cloned().collect();
        bells.iter().filter_map(Weak::upgrade).for_each(|bell| bell.ring());
    }
}

impl Bell {
    fn ring(&self) {
        let mut rung = self.0.lock();
        rung.times += 1;
        let waker = rung.waker.take();
        // Waking runs code of an executor.
        drop(rung);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Notice {
    /// Returns whether something has happened since this was last asked. If not, `waker` is woken when it does.
    pub(super) fn has_rung(&mut self, waker: &Waker) -> bool {
        let mut rung = self.bell.0.lock();
        let has = rung.times != self.seen;
        self.seen = rung.times;
        let replaced = if has { rung.waker.take() } else { rung.waker.replace(waker.clone()) };
        drop(rung);
        drop(replaced);
        has
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        let mut waiting = self.notices.0.lock();
        let Some(bells) = waiting.get_mut(&self.entry) else { return };
        bells.retain(|bell| !std::ptr::eq(bell.as_ptr(), Arc::as_ptr(&self.bell)));
        if bells.is_empty() {
            waiting.remove(&self.entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Woken(mpsc::Sender<()>);
    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }

    #[test]
    fn who_waits_is_woken_once_and_leaves_nothing_behind() {
        let notices = Arc::new(Notices::default());
        let (sender, woken) = mpsc::channel();
        let waker = Waker::from(Arc::new(Woken(sender)));
        let (mut one, mut other) = (notices.wait("a"), notices.wait("b"));
        assert!(!one.has_rung(&waker) && !other.has_rung(&waker));
        notices.ring("a");
        assert_eq!(woken.try_iter().count(), 1);
        assert!(one.has_rung(&waker) && !one.has_rung(&waker) && !other.has_rung(&waker));
        notices.ring_all();
        assert_eq!(woken.try_iter().count(), 2);
        drop((one, other));
        assert!(notices.0.lock().is_empty());
    }

    #[test]
    fn what_happens_before_the_first_question_counts() {
        let notices = Arc::new(Notices::default());
        let mut notice = notices.wait("a");
        notices.ring("a");
        assert!(notice.has_rung(Waker::noop()));
    }
}

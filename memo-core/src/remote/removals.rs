//! What this process has removed and the store has not confirmed yet. It is sent again until it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::error::StoreError;
use super::generations::Generations;
use super::pending::Pending;
use super::random::random;
use super::store::Store;
use crate::platform::clock::{self, Instant};
use crate::platform::sync::usual::Mutex;

/// If more entries of one function wait to be removed, all entries of the function are.
const MAX_ENTRIES: usize = 1000;
/// How long the answer to a removal that is sent again is waited for.
const LIMIT: Duration = Duration::from_secs(1);

/// The removals that are not confirmed.
pub(super) struct Removals {
    store: Arc<dyn Store>,
    generations: Arc<Generations>,
    /// By the names of the groups.
    open: Mutex<BTreeMap<String, Open>>,
    /// The number of groups in `open`, for those who only ask whether there are any.
    groups: AtomicUsize,
}

/// What is removed of one group.
#[derive(Default)]
struct Open {
    /// The entries, with the number of the removal. One that is removed again has another number.
    entries: BTreeMap<String, u64>,
    /// The number of the removal of all, if all is removed.
    all: Option<u64>,
}

/// One removal.
#[derive(Clone)]
pub(super) enum Removal {
    Entry { group: String, entry: String, number: u64 },
    Group { group: String, number: u64 },
}

impl Removals {
    pub(super) fn new(store: Arc<dyn Store>, generations: Arc<Generations>) -> Self {
        Self { store, generations, open: Mutex::default(), groups: AtomicUsize::new(0) }
    }

    /// Notes that an entry of a group is removed.
    pub(super) fn entry(&self, group: &str, entry: &str) -> Removal {
        let number = random();
        let mut open = self.open.lock();
        let of_group = open.entry(group.to_owned()).or_default();
        of_group.entries.insert(entry.to_owned(), number);
        let is_too_much = of_group.entries.len() > MAX_ENTRIES;
        self.groups.store(open.len(), Ordering::Release);
        drop(open);
        if is_too_much {
            return self.group(group);
        }
        Removal::Entry { group: group.to_owned(), entry: entry.to_owned(), number }
    }

    /// Notes that all of a group is removed.
    pub(super) fn group(&self, group: &str) -> Removal {
        let number = random();
        let mut open = self.open.lock();
        open.insert(group.to_owned(), Open { entries: BTreeMap::new(), all: Some(number) });
        self.groups.store(open.len(), Ordering::Release);
        Removal::Group { group: group.to_owned(), number }
    }

    /// Sends a removal. Its result comes after it was noted here as confirmed.
    pub(super) fn send(self: &Arc<Self>, removal: Removal, until: Instant) -> Pending<()> {
        let sent = match &removal {
            Removal::Entry { entry, .. } => self.store.remove(entry, until),
            // Not the same one again. Another machine may have removed all meanwhile, and what was written before that
            // would count again.
            Removal::Group { group, .. } => self.store.set_generation(group, random(), until),
        };
        let (completer, pending) = Pending::new();
        let this = Arc::clone(self);
        sent.then(move |result| {
            if result.is_ok() {
                this.confirm(&removal);
            }
            completer.complete(result);
        });
        pending
    }

    /// Notes that a removal has happened, or is not needed any more.
    pub(super) fn confirm(&self, removal: &Removal) {
        if let Removal::Group { group, .. } = removal {
            // One that was learnt while the removal was under way may be from before it.
            self.generations.forget(group);
        }
        let mut open = self.open.lock();
        let (Removal::Entry { group, .. } | Removal::Group { group, .. }) = removal;
        let Some(of_group) = open.get_mut(group) else { return };
        match removal {
            Removal::Entry { entry, number, .. } => {
                if of_group.entries.get(entry) == Some(number) {
                    of_group.entries.remove(entry);
                }
            }
            Removal::Group { number, .. } => {
                of_group.all = of_group.all.filter(|open| open != number);
            }
        }
        if of_group.entries.is_empty() && of_group.all.is_none() {
            open.remove(group);
        }
        self.groups.store(open.len(), Ordering::Release);
    }

    /// Returns whether the store may still have what was removed: an entry, or all of its group.
    pub(super) fn is_open(&self, group: &str, entry: &str) -> bool {
        self.groups.load(Ordering::Acquire) > 0
            && self.open.lock().get(group).is_some_and(|of_group| {
                of_group.all.is_some() || of_group.entries.contains_key(entry)
            })
    }

    /// Returns whether the store may still have all of a group that was removed.
    pub(super) fn is_group_open(&self, group: &str) -> bool {
        self.groups.load(Ordering::Acquire) > 0
            && self.open.lock().get(group).is_some_and(|of_group| of_group.all.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.load(Ordering::Acquire) == 0
    }

    /// Sends all again. `then` gets whether all are confirmed.
    pub(super) fn send_all(self: &Arc<Self>, then: impl FnOnce(bool) + Send + 'static) {
        let all = self.all();
        let rest =
            Arc::new(Rest { left: AtomicUsize::new(all.len() + 1), then: Mutex::new(Some(then)) });
        for removal in all {
            let rest = Arc::clone(&rest);
            let sent = self.send(removal, clock::instant() + LIMIT);
            sent.then(move |result: Result<(), StoreError>| rest.end(result.is_ok()));
        }
        rest.end(true);
    }

    pub(super) fn all(&self) -> Vec<Removal> {
        let open = self.open.lock();
        let mut all = Vec::new();
        for (group, of_group) in &*open {
            let entries = of_group.entries.iter().map(|(entry, &number)| Removal::Entry {
                group: group.clone(),
                entry: entry.clone(),
                number,
            });
            all.extend(entries);
            all.extend(of_group.all.map(|number| Removal::Group { group: group.clone(), number }));
        }
        all
    }
}

/// Calls a function after the last of several requests, or after the first that fails.
struct Rest<F> {
    left: AtomicUsize,
    then: Mutex<Option<F>>,
}

impl<F: FnOnce(bool)> Rest<F> {
    fn end(&self, is_ok: bool) {
        let is_last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if is_ok && !is_last {
            return;
        }
        let then = self.then.lock().take();
        if let Some(then) = then {
            then(is_ok);
        }
    }
}

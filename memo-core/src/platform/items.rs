//! What a page keeps: texts under names, which the tabs of a site share. `local_storage` is the one of a browser.

use std::sync::{Arc, Mutex, PoisonError};

/// Texts under names.
pub(crate) trait Items: Send + Sync {
    /// Returns the text of that name.
    ///
    /// # Errors
    /// There is no storage.
    fn get(&self, name: &str) -> Result<Option<String>, Refusal>;

    /// Sets the text of a name.
    ///
    /// # Errors
    /// There is no storage, or no room in it. The former text is still there.
    fn set(&self, name: &str, text: &str) -> Result<(), Refusal>;

    /// Removes a text. It stays if there is no storage: nobody can read it then.
    fn remove(&self, name: &str);

    /// Returns the names that begin with `prefix`.
    ///
    /// # Errors
    /// There is no storage.
    fn names(&self, prefix: &str) -> Result<Vec<String>, Refusal>;

    /// Puts into the inbox what other tabs change, as long as it lives.
    fn watch(&self, inbox: &Arc<Inbox>);
}

/// Why a storage did not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its quota is used up.
    Full,
    /// One item takes more bytes than all may.
    TooLarge { size: u64, max: u64 },
    /// There is none, as in a worker.
    Missing,
    /// It is switched off.
    Unavailable(String),
}

/// What another tab has done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Set {
        name: String,
        text: String,
    },
    Removed {
        name: String,
    },
    /// All items are gone, those of others too.
    Cleared,
    /// This tab was asleep and has heard nothing.
    Missed,
}

/// Changes by other tabs to the items whose names begin with a prefix, in their order.
pub(crate) struct Inbox {
    prefix: String,
    changes: Mutex<Vec<Change>>,
}

impl Inbox {
    pub(crate) fn new(prefix: String) -> Self {
        Self { prefix, changes: Mutex::default() }
    }

    /// Puts in a change, if it is one of these items.
    pub(crate) fn put(&self, change: Change) {
        let is_ours = match &change {
            Change::Set { name, .. } | Change::Removed { name } => name.starts_with(&self.prefix),
            Change::Cleared | Change::Missed => true,
        };
        if is_ours {
            self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
        }
    }

    pub(crate) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

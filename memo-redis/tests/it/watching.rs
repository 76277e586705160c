//! A watcher that notes what it is told, and a machine: a store with such a watcher.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use memo_core::remote::{Changed, Lease, Pending, Put, Store, StoreError, Token, Watcher};
use memo_redis::{Builder, RedisStore};

use crate::server::LONG;

pub(crate) const PREFIX: &str = "memo:";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Connected,
    Disconnected,
    Value(String),
    Lease(String),
    All,
}

struct Notes(Sender<Seen>);

impl Watcher for Notes {
    fn connected(&self) {
        let _ = self.0.send(Seen::Connected);
    }

    fn disconnected(&self) {
        let _ = self.0.send(Seen::Disconnected);
    }

    fn changed(&self, changed: Changed<'_>) {
        let seen = match changed {
            Changed::Value(name) => Seen::Value(name.to_owned()),
            Changed::Lease(name) => Seen::Lease(name.to_owned()),
            Changed::All => Seen::All,
            other => panic!("{other:?}"),
        };
        let _ = self.0.send(seen);
    }
}

/// A machine: a store, and what its watcher is told.
pub(crate) struct Machine {
    pub(crate) store: RedisStore,
    pub(crate) seen: Receiver<Seen>,
    _notes: Arc<Notes>,
}

impl Machine {
    pub(crate) fn new(builder: &Builder) -> Self {
        let store = builder.store();
        let (sender, seen) = mpsc::channel();
        let notes = Arc::new(Notes(sender));
        let watcher: Weak<dyn Watcher> = Arc::<Notes>::downgrade(&notes);
        store.watch(PREFIX, watcher);
        Self { store, seen, _notes: notes }
    }

    /// Returns a machine that is told of changes.
    pub(crate) fn connected(builder: &Builder) -> Self {
        let machine = Self::new(builder);
        assert_eq!(machine.sees(&Seen::Connected), []);
        machine
    }

    /// Waits until the watcher is told this, and returns what it was told before.
    pub(crate) fn sees(&self, wanted: &Seen) -> Vec<Seen> {
        let end = Instant::now() + LONG;
        let mut before = Vec::new();
        loop {
            match self.seen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(seen) if seen == *wanted => return before,
                Ok(seen) => before.push(seen),
                Err(_) => {
                    panic!("{wanted:?} was not seen but {before:?}; {:?}", self.store.health())
                }
            }
        }
    }

    pub(crate) fn put(&self, entry: &str, bytes: &[u8]) {
        assert_eq!(done(self.store.put(put(entry, bytes), soon())), Ok(true));
    }

    pub(crate) fn bytes(&self, entry: &str) -> Option<Vec<u8>> {
        done(self.store.get(entry, soon())).unwrap().map(|stored| stored.bytes)
    }
}

pub(crate) fn put(entry: &str, bytes: &[u8]) -> Put {
    Put {
        entry: entry.to_owned(),
        bytes: bytes.to_vec(),
        left: Duration::from_secs(600),
        token: None,
    }
}

pub(crate) fn lease(token: u128) -> Lease {
    Lease { token: Token(token), time: Duration::from_secs(60), void: None }
}

/// Returns a time that no request reaches.
pub(crate) fn soon() -> Instant {
    Instant::now() + LONG
}

pub(crate) fn done<T>(pending: Pending<T>) -> Result<T, StoreError> {
    pending.wait_until(Instant::now() + 2 * LONG)
}

pub(crate) fn value(entry: &str) -> Seen {
    Seen::Value(entry.to_owned())
}

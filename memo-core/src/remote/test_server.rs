//! A store in memory, for tests: a server, and machines that reach it unless their connection is cut.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::error::StoreError;
use super::pending::Pending;
use super::store::{Changed, Lease, Leased, Put, Store, Stored, Token, Watcher};
use crate::platform::sync::usual::Mutex;

/// A server. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct TestServer(Arc<Mutex<Data>>);

#[derive(Default)]
struct Data {
    entries: HashMap<String, (Vec<u8>, Instant)>,
    leases: HashMap<String, (Token, Instant)>,
    groups: HashMap<String, u64>,
    machines: Vec<Arc<Machine>>,
}

/// The connection of one machine.
pub(crate) struct Machine {
    server: TestServer,
    state: Mutex<Connection>,
}

#[derive(Default)]
struct Connection {
    watcher: Option<Weak<dyn Watcher>>,
    is_cut: bool,
    /// Whether requests get no answer.
    is_silent: bool,
    /// Whether messages wait for [`Machine::deliver`].
    is_slow: bool,
    messages: Vec<Message>,
    /// The requests without an answer.
    unanswered: Vec<Box<dyn FnOnce() + Send>>,
}

#[derive(Clone)]
enum Message {
    Value(String),
    Lease(String),
}

/// The store of one machine.
pub(crate) struct TestStore(pub(crate) Arc<Machine>);

impl TestServer {
    /// Connects another machine.
    pub(crate) fn machine(&self) -> Arc<Machine> {
        let machine = Arc::new(Machine { server: self.clone(), state: Mutex::default() });
        self.0.lock().machines.push(Arc::clone(&machine));
        machine
    }

    /// Returns the names and bytes of the entries that have not ended.
    pub(crate) fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let (data, now) = (self.0.lock(), Instant::now());
        let live = data.entries.iter().filter(|(_, (_, end))| *end > now);
        live.map(|(name, (bytes, _))| (name.clone(), bytes.clone())).collect()
    }

    /// Changes the bytes of all entries, and tells nobody.
    pub(crate) fn edit(&self, edit: impl Fn(&mut Vec<u8>)) {
        self.0.lock().entries.values_mut().for_each(|(bytes, _)| edit(bytes));
    }

    /// Makes all entries end this much earlier, and tells nobody.
    pub(crate) fn age(&self, time: Duration) {
        self.0.lock().entries.values_mut().for_each(|(_, end)| *end -= time);
    }

    /// Ends all leases, and tells nobody, as if their time had passed.
    pub(crate) fn end_leases(&self) {
        self.0.lock().leases.clear();
    }

    pub(crate) fn leases(&self) -> usize {
        self.0.lock().leases.len()
    }

    fn tell(&self, messages: &[Message]) {
        let machines = self.0.lock().machines.clone();
        machines.iter().for_each(|machine| machine.tell(messages));
    }
}

impl Machine {
    pub(crate) fn store(self: &Arc<Self>) -> TestStore {
        TestStore(Arc::clone(self))
    }

    /// Cuts the connection. Requests under way fail, though the server may have done them.
    pub(crate) fn cut(&self) {
        let watcher = {
            let mut state = self.state.lock();
            state.is_cut = true;
            state.messages.clear();
            state.watcher()
        };
        if let Some(watcher) = watcher {
            watcher.disconnected();
        }
    }

    /// Connects again.
    pub(crate) fn heal(&self) {
        let watcher = {
            let mut state = self.state.lock();
            state.is_cut = false;
            state.watcher()
        };
        if let Some(watcher) = watcher {
            watcher.connected();
        }
    }

    /// Makes messages wait, or delivers them.
    pub(crate) fn set_slow(&self, is_slow: bool) {
        self.state.lock().is_slow = is_slow;
        if !is_slow {
            self.deliver();
        }
    }

    /// Makes requests go without an answer, or answers those that did.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        let unanswered = {
            let mut state = self.state.lock();
            state.is_silent = is_silent;
            if is_silent { Vec::new() } else { std::mem::take(&mut state.unanswered) }
        };
        unanswered.into_iter().for_each(|answer| answer());
    }

    fn tell(&self, messages: &[Message]) {
        let mut state = self.state.lock();
        if !state.is_cut {
            state.messages.extend_from_slice(messages);
        }
        let is_slow = state.is_slow;
        drop(state);
        if !is_slow {
            self.deliver();
        }
    }

    fn deliver(&self) {
        let (messages, watcher) = {
            let mut state = self.state.lock();
            (std::mem::take(&mut state.messages), state.watcher())
        };
        let Some(watcher) = watcher else { return };
        for message in &messages {
            watcher.changed(match message {
                Message::Value(name) => Changed::Value(name),
                Message::Lease(entry) => Changed::Lease(entry),
            });
        }
    }

    /// Does a request on the server.
    fn request<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Data, Instant) -> (T, Vec<Message>),
    ) -> Pending<T> {
        if self.state.lock().is_cut {
            return Pending::ready(Err(StoreError::Disconnected("cut".to_owned())));
        }
        let (result, messages) = act(&mut self.server.0.lock(), Instant::now());
        self.server.tell(&messages);
        let mut state = self.state.lock();
        if !state.is_silent {
            return Pending::ready(Ok(result));
        }
        let (completer, pending) = Pending::new();
        state.unanswered.push(Box::new(move || completer.complete(Ok(result))));
        pending
    }
}

impl Connection {
    fn watcher(&self) -> Option<Arc<dyn Watcher>> {
        self.watcher.as_ref()?.upgrade()
    }
}

impl Data {
    fn entry(&self, entry: &str, now: Instant) -> Option<Stored> {
        let (bytes, end) = self.entries.get(entry).filter(|(_, end)| *end > now)?;
        Some(Stored { bytes: bytes.clone(), left: Some(*end - now) })
    }

    fn lease(&self, entry: &str, now: Instant) -> Option<(Token, Instant)> {
        self.leases.get(entry).copied().filter(|(_, end)| *end > now)
    }

    fn is_held_by(&self, entry: &str, token: Token, now: Instant) -> bool {
        self.lease(entry, now).is_some_and(|(holder, _)| holder == token)
    }
}

fn value(name: &str) -> Message {
    Message::Value(name.to_owned())
}

fn lease(entry: &str) -> Message {
    Message::Lease(entry.to_owned())
}

impl Store for TestStore {
    fn get(&self, entry: &str, _until: Instant) -> Pending<Option<Stored>> {
        self.0.request(|data, now| (data.entry(entry, now), vec![]))
    }

    fn lease(&self, entry: &str, ask: Lease, _until: Instant) -> Pending<Leased> {
        self.0.request(|data, now| {
            let stored = data.entry(entry, now);
            let is_void = |stored: &Stored| {
                ask.void.as_ref().is_some_and(|void| stored.bytes.starts_with(void))
            };
            if let Some(stored) = stored.filter(|stored| !is_void(stored)) {
                return (Leased::Found(stored), vec![]);
            }
            if let Some((_, end)) = data.lease(entry, now) {
                return (Leased::Held(end - now), vec![]);
            }
            data.leases.insert(entry.to_owned(), (ask.token, now + ask.time));
            (Leased::Granted, vec![lease(entry)])
        })
    }

    fn head(&self, entry: &str, len: usize, _until: Instant) -> Pending<Vec<u8>> {
        self.0.request(|data, now| {
            let bytes = data.entry(entry, now).map(|stored| stored.bytes).unwrap_or_default();
            (bytes[..len.min(bytes.len())].to_vec(), vec![])
        })
    }

    fn renew(&self, entry: &str, token: Token, time: Duration, _until: Instant) -> Pending<bool> {
        self.0.request(|data, now| {
            let is_held = data.is_held_by(entry, token, now);
            if is_held {
                data.leases.insert(entry.to_owned(), (token, now + time));
            }
            (is_held, vec![lease(entry)])
        })
    }

    fn release(&self, entry: &str, token: Token, _until: Instant) -> Pending<()> {
        self.0.request(|data, now| {
            if data.is_held_by(entry, token, now) {
                data.leases.remove(entry);
            }
            ((), vec![lease(entry)])
        })
    }

    fn put(&self, put: Put, _until: Instant) -> Pending<bool> {
        let Put { entry, bytes, left, token } = put;
        self.0.request(|data, now| {
            if token.is_some_and(|token| !data.is_held_by(&entry, token, now)) {
                return (false, vec![]);
            }
            data.leases.remove(&entry);
            data.entries.insert(entry.clone(), (bytes, now + left));
            (true, vec![value(&entry), lease(&entry)])
        })
    }

    fn remove(&self, entry: &str, _until: Instant) -> Pending<()> {
        self.0.request(|data, _| {
            data.entries.remove(entry);
            data.leases.remove(entry);
            ((), vec![value(entry), lease(entry)])
        })
    }

    fn generation(&self, group: &str, fresh: u64, _until: Instant) -> Pending<u64> {
        self.0.request(|data, _| {
            let is_new = !data.groups.contains_key(group);
            let generation = *data.groups.entry(group.to_owned()).or_insert(fresh);
            (generation, if is_new { vec![value(group)] } else { vec![] })
        })
    }

    fn set_generation(&self, group: &str, generation: u64, _until: Instant) -> Pending<()> {
        self.0.request(|data, _| {
            data.groups.insert(group.to_owned(), generation);
            ((), vec![value(group)])
        })
    }

    fn watch(&self, _prefix: &str, watcher: Weak<dyn Watcher>) {
        self.0.state.lock().watcher = Some(watcher);
    }

    fn health(&self) -> Result<(), StoreError> {
        let is_cut = self.0.state.lock().is_cut;
        if is_cut { Err(StoreError::Disconnected("cut".to_owned())) } else { Ok(()) }
    }
}

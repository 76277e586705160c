//! A store in memory, for tests: a server, and machines that reach it unless their connection is cut.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::envelope::{self, Sealing};
use super::error::StoreError;
use super::name::{self, Part, group_hash};
use super::pending::Pending;
use super::removals::Removal;
use super::store::{Changed, InTask, Lease, Leased, Put, Store, Stored, Token, Watcher};
use super::tier::Tier;
use crate::platform::clock::{self, Instant};
use crate::platform::maintenance::Maintain as _;
use crate::platform::sync::usual::Mutex;

/// A server. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct TestServer(Arc<Mutex<Data>>);

#[derive(Default)]
struct Data {
    entries: BTreeMap<String, (Vec<u8>, Instant)>,
    leases: BTreeMap<String, (Token, Instant)>,
    groups: BTreeMap<String, u64>,
    machines: Vec<Arc<Machine>>,
}

/// The connections of one machine: one for requests and their answers, and one for messages. What is on the way waits in
/// a queue for its step; unless it is held up, the step comes at once.
pub(crate) struct Machine {
    server: TestServer,
    state: Mutex<Connection>,
}

#[derive(Default)]
struct Connection {
    watcher: Option<Weak<dyn Watcher>>,
    /// Whether requests fail.
    is_cut: bool,
    /// Whether messages are lost.
    is_deaf: bool,
    /// Whether tasks carry out their requests, and whether their runtime reads answers.
    in_tasks: bool,
    reads_in_tasks: bool,
    held: Held,
    requests: VecDeque<Request>,
    answers: VecDeque<Answer>,
    messages: VecDeque<Message>,
    /// The looks at what has changed that have not ended.
    looks: Arc<AtomicUsize>,
}

/// What waits for a call of [`Machine::step`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Held {
    pub(crate) requests: bool,
    pub(crate) answers: bool,
    pub(crate) messages: bool,
    /// Whether a change is told only once if it comes again before the message has arrived.
    pub(crate) merges: bool,
}

/// What is done for a machine next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The server does a request.
    Request,
    /// The machine gets an answer.
    Answer,
    /// The machine gets a message.
    Message,
}

/// Does something on the server.
type Request = Box<dyn FnOnce(&mut Data, Instant) -> (Answer, Vec<Message>) + Send>;
/// Answers a request, unless it fails. If it is dropped, the request fails.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Value(String),
    Lease(String),
    All,
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
        let (data, now) = (self.0.lock(), clock::instant());
        let live = data.entries.iter().filter(|(_, (_, end))| *end > now);
        live.map(|(name, (bytes, _))| (name.clone(), bytes.clone())).collect()
    }

    /// Returns the names and values of the entries that belong to the generations of now.
    pub(crate) fn current(&self) -> Vec<(String, Vec<u8>)> {
        let entries = self.entries();
        let groups = self.0.lock().groups.clone();
        let is_current = |(hash, generation): &(u64, u64)| {
            groups.iter().any(|(name, known)| group_hash(name) == *hash && known == generation)
        };
        let value = |(name, bytes): (String, Vec<u8>)| {
            let opened = envelope::open(&name, &bytes, &Sealing::default()).ok()?;
            let value = opened.value.into_owned();
            opened.generations.iter().all(is_current).then_some((name, value))
        };
        entries.into_iter().filter_map(value).collect()
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

    /// Returns the entries that are leased.
    pub(crate) fn leased(&self) -> Vec<String> {
        let (data, now) = (self.0.lock(), clock::instant());
        let live = data.leases.iter().filter(|(_, (_, end))| *end > now);
        live.map(|(entry, _)| entry.clone()).collect()
    }

    pub(crate) fn leases(&self) -> usize {
        self.leased().len()
    }

    /// Loses everything.
    pub(crate) fn flush(&self) {
        {
            let mut data = self.0.lock();
            (data.entries, data.leases, data.groups) = Default::default();
        }
        self.tell(&[Message::All]);
    }

    /// Loses one entry, lease or group, chosen by `n`, for want of memory.
    pub(crate) fn evict(&self, n: usize) {
        let message = {
            let mut data = self.0.lock();
            let mut all: Vec<_> = data.entries.keys().cloned().map(Message::Value).collect();
            all.extend(data.groups.keys().cloned().map(Message::Value));
            all.extend(data.leases.keys().cloned().map(Message::Lease));
            let Some(message) = all.get(n % all.len().max(1)).cloned() else { return };
            match &message {
                Message::Value(name) => drop((data.entries.remove(name), data.groups.remove(name))),
                Message::Lease(entry) => drop(data.leases.remove(entry)),
                Message::All => {}
            }
            message
        };
        self.tell(&[message]);
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

    /// Cuts the connections, and says so. Requests under way fail, though the server may have done them.
    pub(crate) fn cut(&self) {
        self.sever(true, usize::MAX);
        self.disconnected();
    }

    /// Cuts the connection for messages, and `also_requests`: then requests under way fail, and the server has done the
    /// first `done` of them. The machine does not know it yet.
    pub(crate) fn sever(&self, also_requests: bool, done: usize) {
        let waiting = self.state.lock().requests.len();
        for _ in 0..if also_requests { done.min(waiting) } else { 0 } {
            self.step(Way::Request);
        }
        let lost = {
            let mut state = self.state.lock();
            state.is_deaf = true;
            state.messages.clear();
            state.is_cut |= also_requests;
            also_requests
                .then(|| (std::mem::take(&mut state.answers), std::mem::take(&mut state.requests)))
        };
        drop(lost);
    }

    /// Notices that a connection was cut.
    pub(crate) fn disconnected(&self) {
        if let Some(watcher) = self.watcher() {
            watcher.disconnected();
        }
    }

    /// Connects again.
    pub(crate) fn heal(&self) {
        {
            let mut state = self.state.lock();
            (state.is_cut, state.is_deaf) = (false, false);
        }
        if let Some(watcher) = self.watcher() {
            watcher.connected();
        }
    }

    /// Makes tasks carry out their requests. `reads`: whether their runtime reads answers.
    pub(crate) fn serve_in_tasks(&self, reads: bool) {
        let mut state = self.state.lock();
        (state.in_tasks, state.reads_in_tasks) = (true, reads);
    }

    /// Makes requests go without an answer, or answers those that did.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        let held = self.state.lock().held;
        self.hold(Held { answers: is_silent, ..held });
    }

    /// Chooses what is held up, and does what is not any more.
    pub(crate) fn hold(&self, held: Held) {
        self.state.lock().held = held;
        self.go_on();
    }

    pub(crate) fn held(&self) -> Held {
        self.state.lock().held
    }

    /// Does all that is not held up.
    fn go_on(&self) {
        let Held { requests, answers, messages, merges: _ } = self.held();
        let ways = [(Way::Request, requests), (Way::Message, messages), (Way::Answer, answers)];
        while ways.iter().any(|&(way, is_held)| !is_held && self.step(way)) {}
    }

    /// Does the next thing of a queue. Returns false if it is empty.
    pub(crate) fn step(&self, way: Way) -> bool {
        match way {
            Way::Request => {
                let Some(request) = self.state.lock().requests.pop_front() else { return false };
                let (answer, messages) = request(&mut self.server.0.lock(), clock::instant());
                self.state.lock().answers.push_back(answer);
                self.server.tell(&messages);
            }
            Way::Answer => return self.answer(Ok(())),
            Way::Message => {
                let Some(message) = self.state.lock().messages.pop_front() else { return false };
                if let Some(watcher) = self.watcher() {
                    watcher.changed(match &message {
                        Message::Value(name) => Changed::Value(name),
                        Message::Lease(entry) => Changed::Lease(entry),
                        Message::All => Changed::All,
                    });
                }
            }
        }
        true
    }

    /// Ends the request that waits longest for its answer. Returns false if there is none.
    pub(crate) fn answer(&self, result: Result<(), StoreError>) -> bool {
        let answer = self.state.lock().answers.pop_front();
        let is_some = answer.is_some();
        if let Some(answer) = answer {
            answer(result);
        }
        is_some
    }

    /// Returns whether the machine has been told of all that has changed, and has looked what it is.
    pub(crate) fn knows_all(&self) -> bool {
        let state = self.state.lock();
        !state.is_deaf && state.messages.is_empty() && state.looks.load(SeqCst) == 0
    }

    fn watcher(&self) -> Option<Arc<dyn Watcher>> {
        self.state.lock().watcher.as_ref()?.upgrade()
    }

    fn tell(&self, messages: &[Message]) {
        {
            let mut state = self.state.lock();
            if state.is_deaf {
                return;
            }
            for message in messages {
                if state.held.merges {
                    state.messages.retain(|earlier| earlier != message);
                }
                state.messages.push_back(message.clone());
            }
        }
        self.go_on();
    }

    /// Sends a request to the server.
    fn request<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Data, Instant) -> (T, Vec<Message>) + Send + 'static,
    ) -> Pending<T> {
        let (completer, pending) = Pending::new();
        let request: Request = Box::new(move |data, now| {
            let (result, messages) = act(data, now);
            let answer = move |ended: Result<(), StoreError>| {
                completer.complete(ended.map(|()| result));
            };
            (Box::new(answer), messages)
        });
        {
            let mut state = self.state.lock();
            if state.is_cut {
                return Pending::ready(Err(StoreError::Disconnected("cut".to_owned())));
            }
            state.requests.push_back(request);
        }
        self.go_on();
        pending
    }

    /// Does the same for a look at what has changed.
    fn look<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Data, Instant) -> (T, Vec<Message>) + Send + 'static,
    ) -> Pending<T> {
        let looks = Arc::clone(&self.state.lock().looks);
        looks.fetch_add(1, SeqCst);
        let (completer, pending) = Pending::new();
        self.request(act).then(move |result| {
            looks.fetch_sub(1, SeqCst);
            completer.complete(result);
        });
        pending
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

/// What a tier has not finished.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// The removals that are not confirmed, by key. `None`: all entries of the function.
    pub(crate) removals: Vec<Option<Vec<u8>>>,
    pub(crate) writes: usize,
    pub(crate) leases: usize,
    pub(crate) notices: usize,
}

impl Tier {
    pub(crate) fn unfinished(&self) -> Unfinished {
        let parts = &self.0;
        let removed = |removal| match removal {
            Removal::Entry { entry, .. } => key_of(&entry),
            Removal::Group { .. } => None,
        };
        Unfinished {
            removals: parts.removals.all().into_iter().map(removed).collect(),
            writes: parts.writes.count(),
            leases: parts.leases.count(),
            notices: parts.notices.count(),
        }
    }

    /// Does what the background thread does each second.
    pub(crate) fn tick(&self) {
        self.0.tick();
    }
}

/// Returns the key in the name of an entry.
pub(crate) fn key_of(entry: &str) -> Option<Vec<u8>> {
    match name::split(entry)?.1 {
        Part::Key(key) => Some(key),
        _ => None,
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
        let entry = entry.to_owned();
        self.0.request(move |data, now| (data.entry(&entry, now), vec![]))
    }

    fn get_in_task(&self, entry: &str, until: Instant) -> Option<InTask<Option<Stored>>> {
        let (in_tasks, reads) = {
            let state = self.0.state.lock();
            (state.in_tasks, state.reads_in_tasks)
        };
        let request = || -> InTask<_> {
            if reads { Box::pin(self.get(entry, until)) } else { Box::pin(std::future::pending()) }
        };
        in_tasks.then(request)
    }

    fn lease(&self, entry: &str, ask: Lease, _until: Instant) -> Pending<Leased> {
        let entry = entry.to_owned();
        self.0.request(move |data, now| {
            let stored = data.entry(&entry, now);
            let is_void = |stored: &Stored| {
                ask.void.as_ref().is_some_and(|void| stored.bytes.starts_with(void))
            };
            if let Some(stored) = stored.filter(|stored| !is_void(stored)) {
                return (Leased::Found(stored), vec![]);
            }
            if let Some((_, end)) = data.lease(&entry, now) {
                return (Leased::Held(end - now), vec![]);
            }
            data.leases.insert(entry.clone(), (ask.token, now + ask.time));
            (Leased::Granted, vec![lease(&entry)])
        })
    }

    fn head(&self, entry: &str, len: usize, _until: Instant) -> Pending<Vec<u8>> {
        let entry = entry.to_owned();
        self.0.look(move |data, now| {
            let bytes = data.entry(&entry, now).map(|stored| stored.bytes).unwrap_or_default();
            (bytes[..len.min(bytes.len())].to_vec(), vec![])
        })
    }

    fn renew(&self, entry: &str, token: Token, time: Duration, _until: Instant) -> Pending<bool> {
        let entry = entry.to_owned();
        self.0.request(move |data, now| {
            let is_held = data.is_held_by(&entry, token, now);
            if is_held {
                data.leases.insert(entry.clone(), (token, now + time));
            }
            (is_held, vec![lease(&entry)])
        })
    }

    fn release(&self, entry: &str, token: Token, _until: Instant) -> Pending<()> {
        let entry = entry.to_owned();
        self.0.request(move |data, now| {
            if data.is_held_by(&entry, token, now) {
                data.leases.remove(&entry);
            }
            ((), vec![lease(&entry)])
        })
    }

    fn put(&self, put: Put, _until: Instant) -> Pending<bool> {
        let Put { entry, bytes, left, token } = put;
        self.0.request(move |data, now| {
            if token.is_some_and(|token| !data.is_held_by(&entry, token, now)) {
                return (false, vec![]);
            }
            data.leases.remove(&entry);
            data.entries.insert(entry.clone(), (bytes, now + left));
            (true, vec![value(&entry), lease(&entry)])
        })
    }

    fn remove(&self, entry: &str, _until: Instant) -> Pending<()> {
        let entry = entry.to_owned();
        self.0.request(move |data, _| {
            data.entries.remove(&entry);
            data.leases.remove(&entry);
            ((), vec![value(&entry), lease(&entry)])
        })
    }

    fn generation(&self, group: &str, fresh: u64, _until: Instant) -> Pending<u64> {
        let group = group.to_owned();
        self.0.look(move |data, _| {
            let is_new = !data.groups.contains_key(&group);
            let generation = *data.groups.entry(group.clone()).or_insert(fresh);
            (generation, if is_new { vec![value(&group)] } else { vec![] })
        })
    }

    fn set_generation(&self, group: &str, generation: u64, _until: Instant) -> Pending<()> {
        let group = group.to_owned();
        self.0.request(move |data, _| {
            data.groups.insert(group.clone(), generation);
            ((), vec![value(&group)])
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

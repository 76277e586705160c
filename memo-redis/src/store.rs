//! The store: each request goes to the thread that has the connections.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use memo_core::remote::{
    Changed, InTask, Lease, Leased, Pending, Put, Store, StoreError, Stored, Token, Watcher,
};

use crate::error;
use crate::masters::settings::Settings;
use crate::requests::answer::{self, Answers};
use crate::requests::query::Query;
use crate::sessions::session::Watch;
use crate::thread::{Request, Thread};

/// A store on Redis or Valkey, made by [`Builder::store`](crate::Builder::store).
///
/// The first call starts a thread, which has all connections. It connects again whenever it has to, until the store is
/// dropped; requests that were made by then still end. In a process that was forked, the first request starts another
/// thread, with connections of its own.
pub struct RedisStore {
    settings: Arc<Settings>,
    running: Mutex<Running>,
}

struct Running {
    thread: Option<Thread>,
    /// There was another thread, which may have told the watcher that it is connected.
    had_thread: bool,
    watch: Watch,
}

/// Stands for a watcher while there is none.
struct Nobody;

impl Watcher for Nobody {
    fn connected(&self) {}
    fn disconnected(&self) {}
    fn changed(&self, _: Changed<'_>) {}
}

impl RedisStore {
    pub(crate) fn new(settings: Settings) -> Self {
        let watch =
            Watch { prefix: "memokit!unwatched:".to_owned(), watcher: Weak::<Nobody>::new() };
        Self {
            settings: Arc::new(settings),
            running: Mutex::new(Running { thread: None, had_thread: false, watch }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request<T: Send + 'static>(
        &self,
        query: Query,
        until: Instant,
        read: impl FnOnce(Answers) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<T> {
        let (request, pending) = request(query, until, read);
        let mut running = self.lock();
        match running.pass(&self.settings, request) {
            Ok(()) => pending,
            Err(error) => Pending::ready(Err(error)),
        }
    }
}

/// Makes a request of a query, and what its result comes by.
fn request<T: Send + 'static>(
    query: Query,
    until: Instant,
    read: impl FnOnce(Answers) -> Result<T, StoreError> + Send + 'static,
) -> (Request, Pending<T>) {
    let (completer, pending) = Pending::new();
    let answered = Box::new(move |answers: Result<Answers, StoreError>| {
        completer.complete(answers.and_then(read));
    });
    (Request { query, until, answered }, pending)
}

impl Running {
    /// Returns the thread, if it is one of this process.
    fn own_thread(&self) -> Option<&Thread> {
        self.thread.as_ref().filter(|thread| thread.process == std::process::id())
    }

    fn pass(&mut self, settings: &Arc<Settings>, request: Request) -> Result<(), StoreError> {
        let Err(request) = self.thread(settings)?.pass(request) else { return Ok(()) };
        // The thread ended by a fault.
        self.thread = None;
        let passed = self.thread(settings)?.pass(request);
        passed.map_err(|_| error::disconnected("the thread for connections ended"))
    }

    /// Returns the thread of this process, which is started if there is none.
    fn thread(&mut self, settings: &Arc<Settings>) -> Result<&Thread, StoreError> {
        let in_child =
            self.thread.as_ref().is_some_and(|thread| thread.process != std::process::id());
        if in_child {
            // What the other process has a thread for may be locked in this one for ever.
            std::mem::forget(self.thread.take());
        }
        match &mut self.thread {
            Some(thread) => Ok(thread),
            none => {
                let started =
                    Thread::start(Arc::clone(settings), self.watch.clone(), self.had_thread);
                let started = started.map_err(|error| {
                    error::disconnected(format!("no thread was started: {error}"))
                })?;
                self.had_thread = true;
                Ok(none.insert(started))
            }
        }
    }
}

impl Store for RedisStore {
    fn get(&self, entry: &str, until: Instant) -> Pending<Option<Stored>> {
        self.request(Query::get(entry), until, answer::stored)
    }

    fn get_now(&self, entry: &str, until: Instant) -> Option<Result<Option<Stored>, StoreError>> {
        let (links, runtime) = self
            .lock()
            .own_thread()
            .map(|thread| (Arc::clone(&thread.links), thread.runtime.clone()))?;
        let answers = links.ask_now(&Query::get(entry), until, &runtime)?;
        Some(answers.and_then(answer::stored))
    }

    fn get_in_task(&self, entry: &str, until: Instant) -> Option<InTask<Option<Stored>>> {
        let query = Query::get(entry);
        let (connection, requests) = {
            let running = self.lock();
            let thread = running.own_thread()?;
            (thread.links.on_runtime(&query)?, thread.requests.clone())
        };
        Some(Box::pin(async move {
            if let Ok(Some(answers)) = connection.ask(&query, until).await {
                return answer::stored(answers);
            }
            // The thread knows what to do, or why it does not go.
            let (request, pending) = request(query, until, answer::stored);
            let _ = requests.send(request);
            pending.await
        }))
    }

    fn lease(&self, entry: &str, lease: Lease, until: Instant) -> Pending<Leased> {
        let time = lease.time;
        let read = move |answers| answer::leased(answers, time);
        self.request(Query::lease(entry, lease), until, read)
    }

    fn head(&self, entry: &str, len: usize, until: Instant) -> Pending<Vec<u8>> {
        self.request(Query::head(entry, len), until, answer::bytes)
    }

    fn renew(&self, entry: &str, token: Token, time: Duration, until: Instant) -> Pending<bool> {
        self.request(Query::renew(entry, token, time), until, answer::flag)
    }

    fn release(&self, entry: &str, token: Token, until: Instant) -> Pending<()> {
        self.request(Query::release(entry, token), until, answer::done)
    }

    fn put(&self, put: Put, until: Instant) -> Pending<bool> {
        self.request(Query::put(put), until, answer::flag)
    }

    fn remove(&self, entry: &str, until: Instant) -> Pending<()> {
        self.request(Query::remove(entry), until, answer::done)
    }

    fn generation(&self, group: &str, fresh: u64, until: Instant) -> Pending<u64> {
        self.request(Query::generation(group, fresh), until, answer::generation)
    }

    fn set_generation(&self, group: &str, generation: u64, until: Instant) -> Pending<()> {
        self.request(Query::set_generation(group, generation), until, answer::done)
    }

    fn watch(&self, prefix: &str, watcher: Weak<dyn Watcher>) {
        let mut running = self.lock();
        // A thread that runs already watches something else.
        (running.thread, running.had_thread) = (None, false);
        running.watch = Watch { prefix: prefix.to_owned(), watcher };
        // If this fails, the next request tries again.
        let _ = running.thread(&self.settings);
    }

    fn health(&self) -> Result<(), StoreError> {
        let mut running = self.lock();
        running.thread(&self.settings)?.health.get()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("heartbeat", &self.settings.heartbeat)
            .finish_non_exhaustive()
    }
}

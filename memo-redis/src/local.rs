//! Connections for tasks, each on the runtime of the tasks that use it, which saves two changes of threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use memo_core::remote::StoreError;
use redis::ConnectionInfo;
use tokio::runtime::{Handle, Id};

use crate::blocking::REST;
use crate::connection::{Connection, Identity};
use crate::requests::answer::{self, Answers};
use crate::requests::query::{Form, Query};

/// So many runtimes have a connection at most. A program that has one for each core has no more of them than cores.
const MAX_RUNTIMES: usize = 64;

/// The connections of this kind to one server.
pub(crate) struct Local {
    server: ConnectionInfo,
    identity: Identity,
    slots: Mutex<Vec<Slot>>,
    /// How many connections were begun.
    begun: AtomicU64,
}

struct Slot {
    runtime: Id,
    /// That of the connection.
    number: u64,
    state: State,
}

enum State {
    /// Stays so if the runtime cannot open one.
    Opening,
    Open(Connection),
    /// There is none, and until then none is tried. The runtime may have ended.
    Lost(Instant),
}

/// Belongs to a connection, and is dropped with it: when it cannot be opened, when it ends, or when its runtime ends.
struct Life {
    number: u64,
    local: Weak<Local>,
}

impl Drop for Life {
    fn drop(&mut self) {
        // A runtime without I/O panics, and would do so again.
        if !thread::panicking() {
            self.local.upgrade().inspect(|local| local.lose(self.number));
        }
    }
}

/// A connection on the runtime of the task that has asked for it.
pub(crate) struct OnRuntime {
    connection: Connection,
    number: u64,
    local: Arc<Local>,
}

/// Gives up a connection that has not answered in time: its server may be gone without a word, or its runtime may not
/// run.
struct Patience<'a> {
    of: &'a OnRuntime,
    until: Instant,
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if self.until <= Instant::now() {
            self.of.local.lose(self.of.number);
        }
    }
}

impl Local {
    pub(crate) fn new(server: ConnectionInfo, identity: Identity) -> Self {
        Self { server, identity, slots: Mutex::default(), begun: AtomicU64::new(0) }
    }

    /// Returns the connection of this task's runtime. If there is none, one is opened behind the caller.
    pub(crate) fn connection(self: &Arc<Self>) -> Option<OnRuntime> {
        let handle = Handle::try_current().ok()?;
        let (runtime, mut slots) = (handle.id(), self.slots());
        if let Some(at) = slots.iter().position(|slot| slot.runtime == runtime) {
            let Slot { number, state, .. } = &slots[at];
            match state {
                State::Open(connection) => {
                    let (connection, number) = (connection.clone(), *number);
                    return Some(OnRuntime { connection, number, local: Arc::clone(self) });
                }
                State::Lost(until) if *until <= Instant::now() => drop(slots.remove(at)),
                State::Opening | State::Lost(_) => return None,
            }
        }
        if slots.len() == MAX_RUNTIMES {
            let lost = slots.iter().position(|slot| matches!(slot.state, State::Lost(_)))?;
            slots.remove(lost);
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        slots.push(Slot { runtime, number, state: State::Opening });
        drop(slots);
        let life = Life { number, local: Arc::downgrade(self) };
        let this = Arc::clone(self);
        handle.spawn(async move {
            if let Some(connection) = this.open(life).await {
                this.set(number, connection);
            }
        });
        None
    }

    /// Opens a connection. `None`: that is not possible, or it does not lead to the same server.
    async fn open(&self, life: Life) -> Option<Connection> {
        let lives = move |_| {
            let _ = &life;
        };
        // Without a limit: the runtime may have no clock, and nobody waits for this.
        let connection = Connection::open(&self.server, None, lives).await.ok()?;
        let identity = connection.identify().await.ok()?;
        identity.is_same_server(&self.identity).then_some(connection)
    }

    fn set(&self, number: u64, connection: Connection) {
        let mut slots = self.slots();
        let slot = slots.iter_mut().find(|slot| slot.number == number);
        if let Some(Slot { state: state @ State::Opening, .. }) = slot {
            *state = State::Open(connection);
        }
    }

    fn lose(&self, number: u64) {
        let mut slots = self.slots();
        let slot = slots.iter_mut().find(|slot| slot.number == number);
        let lost = State::Lost(Instant::now() + REST);
        let before = slot.map(|slot| std::mem::replace(&mut slot.state, lost));
        drop(slots);
        // Not before: this may end the connection.
        drop(before);
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnRuntime {
    /// Asks the server, for as long as somebody waits. `None`: it has refused something.
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) async fn ask(
        &self,
        query: &Query,
        until: Instant,
    ) -> Result<Option<Answers>, StoreError> {
        let patience = Patience { of: self, until };
        let answers = self.connection.ask(&query.pipeline(Form::default())).await?;
        std::mem::forget(patience);
        Ok(answer::unless_refused(answers))
    }
}

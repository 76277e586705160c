//! Connections for tasks, each on the runtime of the tasks that use it, which saves two changes of threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memo_core::remote::StoreError;
use redis::{ConnectionInfo, Value};
use tokio::runtime::{Handle, Id};

use crate::connection::{Connection, Identity};
use crate::requests::answer::Answers;
use crate::requests::query::{Form, Query};

/// So many runtimes have a connection at most. A program has one or two, but tests have one each.
const MAX_RUNTIMES: usize = 16;

/// The connections of this kind to one server.
pub(crate) struct Local {
    server: ConnectionInfo,
    identity: Identity,
    /// The newest come last.
    slots: Mutex<Vec<Slot>>,
}

struct Slot {
    runtime: Id,
    /// `None`: it is being opened.
    connection: Option<Connection>,
}

/// A connection on the runtime of the task that has asked for it.
pub(crate) struct OnRuntime {
    connection: Connection,
    runtime: Id,
    local: Arc<Local>,
}

impl Local {
    pub(crate) fn new(server: ConnectionInfo, identity: Identity) -> Self {
        Self { server, identity, slots: Mutex::default() }
    }

    /// Returns the connection of this task's runtime. If there is none, one is opened behind the caller.
    pub(crate) fn connection(self: &Arc<Self>) -> Option<OnRuntime> {
        let handle = Handle::try_current().ok()?;
        let (runtime, mut slots) = (handle.id(), self.slots());
        if let Some(slot) = slots.iter().find(|slot| slot.runtime == runtime) {
            let connection = slot.connection.clone()?;
            return Some(OnRuntime { connection, runtime, local: Arc::clone(self) });
        }
        if slots.len() == MAX_RUNTIMES {
            slots.remove(0);
        }
        slots.push(Slot { runtime, connection: None });
        drop(slots);
        let this = Arc::clone(self);
        handle.spawn(async move {
            match this.open().await {
                Some(connection) => this.set(runtime, connection),
                None => this.forget(runtime),
            }
        });
        None
    }

    /// Opens a connection. `None`: that is not possible, or it does not lead to the same server, as far as one may know.
    async fn open(&self) -> Option<Connection> {
        // Without a limit: the runtime may have no clock, and nobody waits for this.
        let connection = Connection::open(&self.server, None, drop).await.ok()?;
        let identity = connection.identify().await.ok()?;
        (identity.is_known() && identity.is_same_server(&self.identity)).then_some(connection)
    }

    fn set(&self, runtime: Id, connection: Connection) {
        if let Some(slot) = self.slots().iter_mut().find(|slot| slot.runtime == runtime) {
            slot.connection = Some(connection);
        }
    }

    fn forget(&self, runtime: Id) {
        self.slots().retain(|slot| slot.runtime != runtime);
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnRuntime {
    /// Asks the server. `None`: it has refused something.
    ///
    /// # Errors
    /// The connection has ended, and is forgotten.
    pub(crate) async fn ask(&self, query: &Query) -> Result<Option<Answers>, StoreError> {
        let asked = self.connection.ask(&query.pipeline(Form::default())).await;
        let answers = asked.inspect_err(|_| self.local.forget(self.runtime))?;
        let is_refused = |answer: &Value| matches!(answer, Value::ServerError(_));
        Ok((!answers.iter().any(is_refused)).then_some(answers))
    }
}

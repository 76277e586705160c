//! Connections for threads that wait anyway. Each sends its request and reads the answer by itself, which saves two
//! changes of threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use memo_core::remote::StoreError;
use redis::{Client, ConnectionInfo, Pipeline, RedisResult, Value};
use tokio::runtime::Handle;

use crate::connection::{self, Identity};
use crate::requests::answer::{self, Answers};

/// After a connection could not be opened, no other is tried in its place for so long.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// The connections of this kind to one server.
pub(crate) struct Blocking {
    server: ConnectionInfo,
    identity: Identity,
    connect_timeout: Duration,
    max: usize,
    /// Those that nobody uses now.
    idle: Mutex<Vec<redis::Connection>>,
    /// How many there are, with those that are being opened.
    count: AtomicUsize,
}

impl Blocking {
    pub(crate) fn new(
        server: ConnectionInfo,
        identity: Identity,
        connect_timeout: Duration,
        max: usize,
    ) -> Self {
        let (idle, count) = (Mutex::default(), AtomicUsize::new(0));
        Self { server, identity, connect_timeout, max, idle, count }
    }

    /// Sends commands and returns the answers. `None`: no connection is free, or the server has refused something. If
    /// there are too few connections, another is opened behind the caller.
    pub(crate) fn ask(
        self: &Arc<Self>,
        commands: &Pipeline,
        until: Instant,
        runtime: &Handle,
    ) -> Option<Result<Answers, StoreError>> {
        let Some(mut connection) = self.idle().pop() else {
            self.open_another(runtime);
            return None;
        };
        let left = until.saturating_duration_since(Instant::now());
        match send(&mut connection, commands, left) {
            Ok(answers) => {
                self.idle().push(connection);
                answer::unless_refused(answers).map(Ok)
            }
            Err(error) => {
                // An answer that comes late would be that to the next request.
                drop(connection);
                self.count.fetch_sub(1, Ordering::Relaxed);
                error.is_timeout().then_some(Err(StoreError::TimedOut))
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<redis::Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_another(self: &Arc<Self>, runtime: &Handle) {
        let has_room = |count| (count < self.max).then_some(count + 1);
        if self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_room).is_err() {
            return;
        }
        let (this, opening) = (Arc::clone(self), Arc::clone(self));
        runtime.spawn(async move {
            match tokio::task::spawn_blocking(move || opening.open()).await {
                Ok(Some(connection)) => this.idle().push(connection),
                _ => {
                    tokio::time::sleep(REST).await;
                    this.count.fetch_sub(1, Ordering::Relaxed);
                }
            }
        });
    }

    /// Opens a connection. `None`: that is not possible, or it does not lead to the same server.
    fn open(&self) -> Option<redis::Connection> {
        let client = Client::open(self.server.clone()).ok()?;
        let mut connection = client.get_connection_with_timeout(self.connect_timeout).ok()?;
        let answers = send(&mut connection, &connection::who(), self.connect_timeout).ok()?;
        let identity = Identity::of(answers).ok()?;
        identity.is_same_server(&self.identity).then_some(connection)
    }
}

fn send(
    connection: &mut redis::Connection,
    commands: &Pipeline,
    limit: Duration,
) -> RedisResult<Answers> {
    let until = Instant::now() + limit;
    let left =
        || Some(until.saturating_duration_since(Instant::now()).max(Duration::from_micros(1)));
    connection.set_write_timeout(left())?;
    connection.send_packed_command(&commands.get_packed_pipeline())?;
    // Not all by one call, which waits as long again for each answer after one that has not come.
    let mut answers = Vec::with_capacity(commands.len());
    while answers.len() < commands.len() {
        connection.set_read_timeout(left())?;
        match connection.recv_response()? {
            Value::Push { .. } => {}
            answer => answers.push(answer),
        }
    }
    Ok(answers)
}

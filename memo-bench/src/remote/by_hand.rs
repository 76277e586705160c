//! The crate redis, as a program would use it: one connection, which tasks share.

use std::sync::Mutex;

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, Connection, Pipeline, cmd, pipe};

use super::server;
use super::tasks::RUNTIME;
use super::value::made;

/// How many commands an explicit pipeline has.
const PIPELINE: usize = 64;

fn client() -> Client {
    Client::open(server::url()).expect("the URL is correct")
}

/// Whose keys these are. What one misses, another must not have written.
enum User {
    Thread,
    Tasks,
}

impl User {
    fn name(&self, len: usize, n: u64) -> String {
        match self {
            Self::Thread => format!("thread:{len}:{n}"),
            Self::Tasks => format!("tasks:{len}:{n}"),
        }
    }

    fn get(&self, len: usize, n: u64) -> Cmd {
        cmd("GET").arg(self.name(len, n)).take()
    }

    fn set(&self, len: usize, n: u64, value: &[u8]) -> Cmd {
        cmd("SET").arg(self.name(len, n)).arg(value).take()
    }
}

/// A connection of threads.
pub(super) struct OfThread(Mutex<Connection>);

impl OfThread {
    pub(super) fn connect() -> Self {
        Self(Mutex::new(client().get_connection().expect("the server accepts a connection")))
    }

    pub(super) fn fill(self, len: usize, keys: &[u64]) -> Self {
        keys.iter().for_each(|&n| self.put(len, n, &made(len, n)));
        self
    }

    fn put(&self, len: usize, n: u64, value: &[u8]) {
        let connection = &mut *self.0.lock().expect("no call panics");
        User::Thread.set(len, n, value).exec(connection).expect("the server takes values");
    }

    pub(super) fn find(&self, len: usize, n: u64) -> Option<Vec<u8>> {
        let connection = &mut *self.0.lock().expect("no call panics");
        User::Thread.get(len, n).query(connection).expect("the server answers")
    }

    /// Looks for a result, computes it if there is none, and writes it.
    pub(super) fn find_or_make(&self, len: usize, n: u64) -> Vec<u8> {
        self.find(len, n).unwrap_or_else(|| {
            let value = made(len, n);
            self.put(len, n, &value);
            value
        })
    }
}

/// A connection that tasks share. Requests that are made at the same time share round trips.
#[derive(Clone)]
pub(super) struct OfTasks(MultiplexedConnection);

impl OfTasks {
    pub(super) fn connect() -> Self {
        let connection = RUNTIME.block_on(client().get_multiplexed_async_connection());
        Self(connection.expect("the server accepts a connection"))
    }

    pub(super) fn fill(self, len: usize, keys: &[u64]) -> Self {
        RUNTIME.block_on(async {
            for &n in keys {
                self.put(len, n, &made(len, n)).await;
            }
        });
        self
    }

    async fn put(&self, len: usize, n: u64, value: &[u8]) {
        let done = User::Tasks.set(len, n, value).exec_async(&mut self.0.clone()).await;
        done.expect("the server takes values");
    }

    pub(super) async fn find(self, len: usize, n: u64) -> Option<Vec<u8>> {
        User::Tasks.get(len, n).query_async(&mut self.0.clone()).await.expect("the server answers")
    }

    /// Looks for a result, computes it if there is none, and writes it.
    pub(super) async fn find_or_make(self, len: usize, n: u64) -> Vec<u8> {
        if let Some(value) = self.clone().find(len, n).await {
            return value;
        }
        let value = made(len, n);
        self.put(len, n, &value).await;
        value
    }

    /// Looks for many results, with as many commands in a request as a pipeline has.
    pub(super) async fn find_all(self, len: usize, keys: Vec<u64>) -> Vec<Vec<u8>> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(PIPELINE) {
            let mut commands: Pipeline = pipe();
            keys.iter().for_each(|&n| _ = commands.add_command(User::Tasks.get(len, n)));
            let answer = commands.query_async::<Vec<Vec<u8>>>(&mut self.0.clone()).await;
            found.extend(answer.expect("the server answers"));
        }
        found
    }
}

//! One connection, and who is at its other end.

use std::time::Duration;

use memo_core::remote::StoreError;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, Pipeline, PushInfo, Value};

use crate::error;

/// How many requests wait within a connection to be written. The others wait before it, in order.
const WRITTEN_AT_ONCE: usize = 1024;

/// A connection. Clones share it, and requests that are made at the same time share round trips.
#[derive(Clone)]
pub(crate) struct Connection(MultiplexedConnection);

/// What tells one server from another, and a master from a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The server's number of this connection.
    client: i64,
    pub(crate) is_cluster: bool,
    /// Drawn when the server starts. `None`: one may not ask.
    run: Option<String>,
}

impl Connection {
    /// Connects. Messages that answer no request go to `pushed`, and so does the end of the connection.
    pub(crate) async fn open(
        server: &ConnectionInfo,
        limit: impl Into<Option<Duration>>,
        pushed: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(limit.into())
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WRITTEN_AT_ONCE)
            .set_push_sender(move |push| {
                pushed(push);
                Ok::<_, redis::aio::SendError>(())
            });
        let client = Client::open(server.clone()).map_err(|error| error::from_redis(&error))?;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        connection.map(Self).map_err(|error| error::while_connecting(error::from_redis(&error)))
    }

    /// Sends commands together and returns the answer to each, which may be an error of the server.
    pub(crate) async fn ask(&self, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let answers = self.0.clone().send_packed_commands(commands, 0, commands.len()).await;
        answers.map_err(|error| match error::from_redis(&error) {
            StoreError::Refused(reason) => StoreError::Disconnected(reason),
            error => error,
        })
    }

    /// Sends one command.
    pub(crate) async fn ask_one(&self, command: redis::Cmd) -> Result<Value, StoreError> {
        let answers = self.ask(redis::pipe().add_command(command)).await?;
        answers.into_iter().next().ok_or_else(|| error::unexpected("to a command"))
    }

    /// Returns who is at the other end. `HELLO` needs no permission, and says also of a server that it became a replica.
    ///
    /// # Errors
    /// It does not answer, or it is no master.
    pub(crate) async fn identify(&self) -> Result<Identity, StoreError> {
        Identity::of(self.ask(&who()).await?)
    }
}

/// Returns the commands that ask who is at the other end.
pub(crate) fn who() -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("HELLO").arg(3).cmd("INFO").arg("server");
    commands
}

impl Identity {
    /// Reads the answers to [`who`].
    ///
    /// # Errors
    /// The other end is no master.
    pub(crate) fn of(answers: Vec<Value>) -> Result<Self, StoreError> {
        let [hello, info] =
            <[Value; 2]>::try_from(answers).map_err(|_| error::unexpected("to HELLO"))?;
        let hello = fields(&hello)?;
        let field =
            |name| hello.iter().find(|(key, _)| text(key) == Some(name)).map(|(_, value)| value);
        match field("role").and_then(text) {
            Some("master") => {}
            Some(role) => {
                return Err(error::disconnected(format!("the server is no master but a {role}")));
            }
            None => return Err(error::unexpected("to HELLO")),
        }
        let Some(Value::Int(client)) = field("id") else {
            return Err(error::unexpected("to HELLO"));
        };
        let is_cluster = field("mode").and_then(text) == Some("cluster");
        Ok(Self { client: *client, is_cluster, run: run_id(&info) })
    }

    /// Returns whether the server has told which one it is.
    pub(crate) fn is_known(&self) -> bool {
        self.run.is_some()
    }

    /// Reports whether two connections lead to the same server, as far as one may know.
    pub(crate) fn is_same_server(&self, other: &Self) -> bool {
        self.run == other.run
    }
}

fn fields(hello: &Value) -> Result<&[(Value, Value)], StoreError> {
    match hello {
        Value::Map(fields) => Ok(fields),
        Value::ServerError(error) => Err(error::from_server(error)),
        _ => Err(error::unexpected("to HELLO")),
    }
}

fn run_id(info: &Value) -> Option<String> {
    let id = text(info)?.lines().find_map(|line| line.strip_prefix("run_id:"));
    id.map(|id| id.trim().to_owned())
}

/// Returns a value that is text.
pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text),
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::Okay => Some("OK"),
        _ => None,
    }
}

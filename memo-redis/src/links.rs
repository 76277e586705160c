//! The connections that requests use at present, and the way of a query to its node.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use memo_core::remote::StoreError;
use redis::{ServerError, ServerErrorKind, Value};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use crate::blocking::Blocking;
use crate::connection::Connection;
use crate::error;
use crate::local::{Local, OnRuntime};
use crate::masters::topology::{Place, slot};
use crate::requests::answer::{self, Answers};
use crate::requests::query::{Form, Query};

/// How long a query waits before it tries again: a node says so until a slot has moved, or nodes that do not agree yet
/// send it back and forth.
const TRY_AGAIN: Duration = Duration::from_millis(10);
/// So many redirections are followed at once.
const REDIRECTIONS: usize = 4;

/// Where requests find connections.
pub(crate) struct Links {
    present: watch::Sender<Present>,
    /// Somebody has reason to believe that the connections lead to the wrong servers.
    pub(crate) suspicion: Notify,
}

#[derive(Clone)]
enum Present {
    /// The first attempt to connect has not ended.
    Beginning,
    Up(Arc<[Node]>),
    Down(StoreError),
}

/// The connection for requests to one master.
pub(crate) struct Node {
    pub(crate) place: Place,
    connection: Result<Connection, StoreError>,
    /// Those for threads that wait anyway, and those for tasks. `None`: there are none.
    blocking: Option<Arc<Blocking>>,
    local: Option<Arc<Local>>,
    /// Why it is not used any more.
    down: OnceLock<StoreError>,
}

/// The connections to one master, as far as they are open. The others are opened when they are needed.
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) blocking: Option<Blocking>,
    pub(crate) local: Option<Local>,
}

/// What came of a query to one node.
enum Outcome {
    Answered(Answers),
    UnknownScript,
    Moved(String),
    Ask(String),
    TryAgain,
}

impl Links {
    pub(crate) fn new() -> Self {
        Self { present: watch::Sender::new(Present::Beginning), suspicion: Notify::new() }
    }

    pub(crate) fn up(&self, nodes: Arc<[Node]>) {
        self.present.send_replace(Present::Up(nodes));
    }

    pub(crate) fn down(&self, reason: StoreError) {
        self.present.send_replace(Present::Down(reason));
    }

    /// Asks the node that has the key, wherever the key moves meanwhile.
    pub(crate) async fn ask(&self, query: &Query) -> Result<Answers, StoreError> {
        let mut present = self.present.subscribe();
        let mut form = Form::default();
        let (mut redirected, mut redirections) = (None, 0);
        loop {
            let nodes = up(&mut present).await?;
            let Some(node) = choose(&nodes, query, redirected.as_deref()) else {
                // A node that a session to come will know.
                self.suspicion.notify_waiters();
                present.changed().await.map_err(|_| dropped())?;
                (redirected, form.asking) = (None, false);
                continue;
            };
            let outcome = node.ask(query, form).await.inspect_err(|error| self.notice(error))?;
            (redirected, form.asking) = match outcome {
                Outcome::Answered(answers) => return Ok(answers),
                Outcome::UnknownScript => {
                    form.in_full = true;
                    (redirected, form.asking)
                }
                Outcome::TryAgain => {
                    redirections = REDIRECTIONS;
                    (None, false)
                }
                Outcome::Ask(address) => (Some(address), true),
                Outcome::Moved(address) => {
                    self.suspicion.notify_waiters();
                    (Some(address), false)
                }
            };
            redirections += 1;
            if redirections > REDIRECTIONS {
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }

    /// Returns the only node, if there is no other and requests may use it.
    pub(crate) fn only_node(&self) -> Option<Arc<[Node]>> {
        match &*self.present.borrow() {
            Present::Up(nodes) if nodes.len() == 1 => Some(Arc::clone(nodes)),
            _ => None,
        }
    }

    /// Asks within this call. `None`: that is not possible now.
    pub(crate) fn ask_now(
        &self,
        query: &Query,
        until: Instant,
        runtime: &Handle,
    ) -> Option<Result<Answers, StoreError>> {
        let blocking = self.of_node(query, |node| node.blocking.clone())?;
        blocking.ask(&query.pipeline(Form::default()), until, runtime)
    }

    /// Returns a connection on the runtime of this task to the node that has the key, as far as that is known.
    pub(crate) fn on_runtime(&self, query: &Query) -> Option<OnRuntime> {
        self.of_node(query, |node| node.local.clone())?.connection()
    }

    /// Returns what the node that has the key has, if requests may use it.
    fn of_node<T>(&self, query: &Query, part: impl Fn(&Node) -> Option<T>) -> Option<T> {
        let nodes = match &*self.present.borrow() {
            Present::Up(nodes) => Arc::clone(nodes),
            _ => return None,
        };
        let node = choose(&nodes, query, None).filter(|node| node.connection().is_ok())?;
        part(node)
    }

    fn notice(&self, error: &StoreError) {
        if matches!(error, StoreError::Refused(reason) if reason.starts_with("READONLY")) {
            self.suspicion.notify_waiters();
        }
    }
}

impl Node {
    pub(crate) fn new(place: Place, opened: Result<Opened, StoreError>) -> Self {
        let (connection, blocking, local) = match opened {
            Ok(Opened { connection, blocking, local }) => {
                (Ok(connection), blocking.map(Arc::new), local.map(Arc::new))
            }
            Err(error) => (Err(error), None, None),
        };
        Self { place, connection, blocking, local, down: OnceLock::new() }
    }

    pub(crate) fn connection(&self) -> Result<&Connection, StoreError> {
        match (&self.connection, self.down.get()) {
            (Ok(connection), None) => Ok(connection),
            (Err(error), _) | (_, Some(error)) => Err(error.clone()),
        }
    }

    /// From now on requests fail at once.
    pub(crate) fn mark_down(&self, reason: StoreError) {
        let _ = self.down.set(reason);
    }

    /// Sends queries together. Returns the answers to each, unless the server has refused it in some way.
    pub(crate) async fn ask_together(
        &self,
        queries: impl Iterator<Item = &Query> + Clone,
    ) -> Result<Vec<Option<Answers>>, StoreError> {
        let mut pipeline = redis::pipe();
        queries.clone().for_each(|query| query.add_to(&mut pipeline, Form::default()));
        let mut answers = self.connection()?.ask(&pipeline).await?.into_iter();
        let each = queries.map(|query| {
            let answers: Vec<_> = answers.by_ref().take(query.len()).collect();
            answer::unless_refused(answers)
        });
        Ok(each.collect())
    }

    async fn ask(&self, query: &Query, form: Form) -> Result<Outcome, StoreError> {
        let mut answers = self.connection()?.ask(&query.pipeline(form)).await?;
        if form.asking {
            // Every other answer is that to `ASKING`.
            answers = answers.into_iter().skip(1).step_by(2).collect();
        }
        let failed = answers.iter().find_map(|answer| match answer {
            Value::ServerError(error) => Some(error),
            _ => None,
        });
        let Some(failed) = failed else { return Ok(Outcome::Answered(answers)) };
        let outcome = match failed.kind() {
            Some(ServerErrorKind::NoScript) if !form.in_full => Some(Outcome::UnknownScript),
            Some(ServerErrorKind::TryAgain) => Some(Outcome::TryAgain),
            Some(ServerErrorKind::Moved) => self.redirected(failed).map(Outcome::Moved),
            Some(ServerErrorKind::Ask) => self.redirected(failed).map(Outcome::Ask),
            _ => None,
        };
        outcome.ok_or_else(|| error::from_server(failed))
    }

    /// Returns the address that a redirection names: a slot, a host, which is empty if it is this one, and a port.
    fn redirected(&self, redirection: &ServerError) -> Option<String> {
        let (_, address) = redirection.details()?.split_once(' ')?;
        Some(match address.strip_prefix(':') {
            Some(port) if !address.starts_with("::") => format!("{}:{port}", self.place.host()),
            _ => address.to_owned(),
        })
    }
}

/// Returns the connections, once there was an attempt to connect.
async fn up(present: &mut watch::Receiver<Present>) -> Result<Arc<[Node]>, StoreError> {
    let present = present.wait_for(|present| !matches!(present, Present::Beginning)).await;
    match present.as_deref() {
        Ok(Present::Up(nodes)) => Ok(Arc::clone(nodes)),
        Ok(Present::Down(reason)) => Err(reason.clone()),
        Ok(Present::Beginning) | Err(_) => Err(dropped()),
    }
}

fn choose<'a>(nodes: &'a [Node], query: &Query, redirected: Option<&str>) -> Option<&'a Node> {
    match redirected {
        Some(address) => nodes.iter().find(|node| node.place.is_called(address)),
        // Without a cluster no slot needs to be known.
        None if nodes.len() == 1 => nodes.first(),
        None => {
            let slot = slot(&query.key);
            nodes.iter().find(|node| node.place.has(slot))
        }
    }
}

fn dropped() -> StoreError {
    error::disconnected("the store was dropped")
}

//! The connection by which one server tells what changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memo_core::remote::StoreError;
use redis::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::events::{self, Event, Probe};
use crate::connection::{Connection, Identity, text};
use crate::error;
use crate::masters::topology::{Place, slot};
use crate::random;
use crate::requests::names;
use crate::requests::query::{Form, Query};

/// How many names are tried to find one in a slot of the node. A node with a single slot needs 16384 on average.
const TRIES: usize = 1_000_000;

/// A connection that is sent the name of each key that is changed, if it begins with a prefix. It is not used for
/// anything large, so that nothing keeps it from telling.
pub(crate) struct Tracker {
    pub(crate) connection: Connection,
    prefix: String,
    /// `None`: the node has no slot, so no key of it can be written.
    probe: Option<Query>,
    probed: Arc<Probe>,
    identity: Identity,
    /// The server says whether it tracks. Redis 6.0 does not, and one needs permission to ask.
    tells: AtomicBool,
}

impl Tracker {
    /// Connects and begins to track. What is changed goes to `events` from now on.
    pub(crate) async fn open(
        place: &Place,
        limit: Duration,
        prefix: &str,
        events: UnboundedSender<Event>,
    ) -> Result<Self, StoreError> {
        let probes = names::probes(prefix);
        let key =
            if place.slots.is_empty() { Some(String::new()) } else { probe_key(&probes, place) };
        let key = key.ok_or_else(|| {
            error::disconnected("no key with this prefix is on each node of the cluster")
        })?;
        let probe = (!key.is_empty()).then(|| Query::probe(&key));
        let probed = Arc::new(Probe { key, seen: Notify::new() });
        let take = events::of_tracking(events, Arc::clone(&probed), probes);
        let connection = Connection::open(&place.server, limit, take).await?;
        let identity = connection.identify().await?;
        let tells = AtomicBool::new(true);
        let tracker =
            Self { connection, prefix: prefix.to_owned(), probe, probed, identity, tells };
        tracker.begin().await?;
        Ok(tracker)
    }

    async fn begin(&self) -> Result<(), StoreError> {
        let mut commands = redis::pipe();
        commands.cmd("CLIENT").arg("TRACKING").arg("OFF");
        // Changes by this process are told too: with NOLOOP some by others would not be.
        commands
            .cmd("CLIENT")
            .arg("TRACKING")
            .arg("ON")
            .arg("BCAST")
            .arg("PREFIX")
            .arg(&self.prefix);
        for answer in self.connection.ask(&commands).await? {
            if let Value::ServerError(error) = answer {
                return Err(error::from_server(&error));
            }
        }
        Ok(())
    }

    /// Looks whether the server at the other end still is the one that it was, and still tells what changes.
    /// `requests` is the connection for requests to the same server.
    pub(crate) async fn check(&self, requests: &Connection) -> Result<(), StoreError> {
        if self.connection.identify().await? != self.identity {
            return Err(error::disconnected("another server answers"));
        }
        if self.tells.load(Ordering::Relaxed) {
            let mut command = redis::cmd("CLIENT");
            command.arg("TRACKINGINFO");
            match self.connection.ask_one(command).await? {
                Value::ServerError(_) => self.tells.store(false, Ordering::Relaxed),
                state => return self.is_tracking(&state),
            }
        }
        self.probe(requests).await
    }

    /// Proves that both connections lead to the same server: what one writes, the other is told. Returns who is at the
    /// other end of the connection for requests.
    pub(crate) async fn prove(&self, requests: &Connection) -> Result<Identity, StoreError> {
        let identity = requests.identify().await?;
        if !identity.is_same_server(&self.identity) {
            return Err(error::disconnected("two connections to one address lead to two servers"));
        }
        self.check(requests).await?;
        self.probe(requests).await?;
        Ok(identity)
    }

    async fn probe(&self, requests: &Connection) -> Result<(), StoreError> {
        let Some(probe) = &self.probe else { return Ok(()) };
        let answers = requests.ask(&probe.pipeline(Form { in_full: true, asking: false })).await?;
        if let Some(Value::ServerError(error)) = answers.first() {
            return Err(error::from_server(error));
        }
        self.probed.seen.notified().await;
        Ok(())
    }

    fn is_tracking(&self, state: &Value) -> Result<(), StoreError> {
        let has = |name, word: &str| {
            let list = field(state, name).and_then(items).unwrap_or_default();
            list.iter().any(|item| text(item) == Some(word))
        };
        let is_whole = has("flags", "on") && has("flags", "bcast") && has("prefixes", &self.prefix);
        if !is_whole || has("flags", "noloop") || has("flags", "broken_redirect") {
            return Err(error::disconnected("the server does not tell any more what changes"));
        }
        Ok(())
    }
}

/// Returns a name that is in a slot of this node.
fn probe_key(probes: &str, place: &Place) -> Option<String> {
    let key = |number| format!("{probes}{number:016x}");
    let first = random::number();
    (0..TRIES as u64).map(|offset| key(first.wrapping_add(offset))).find(|key| place.has(slot(key)))
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    match map {
        Value::Map(fields) => {
            fields.iter().find(|(key, _)| text(key) == Some(name)).map(|(_, value)| value)
        }
        _ => None,
    }
}

fn items(list: &Value) -> Option<&[Value]> {
    match list {
        Value::Array(items) | Value::Set(items) => Some(items),
        _ => None,
    }
}

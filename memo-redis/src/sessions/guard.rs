//! Looks again and again whether the connections of a session still are what they were.

use std::sync::Arc;
use std::time::Duration;

use memo_core::remote::StoreError;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::events::Event;
use super::tracker::Tracker;
use crate::connection::{Connection, Identity};
use crate::error;
use crate::links::{Links, Node};
use crate::masters::finder::Finder;
use crate::masters::settings::Settings;
use crate::masters::topology::Topology;

/// How long the connection for requests may take to answer. Large values may be under way on it, so it is not
/// concluded from its silence that changes are missed: the connection that tells of them says that.
const REQUESTS_LIMIT: Duration = Duration::from_secs(10);

/// What all guards of a session look at.
pub(crate) struct Guarded {
    pub(crate) settings: Arc<Settings>,
    pub(crate) finder: Arc<Finder>,
    pub(crate) links: Arc<Links>,
    pub(crate) nodes: Arc<[Node]>,
    pub(crate) topology: Topology,
}

/// Why a session ends.
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    /// The index of the node that answers no requests either.
    pub(crate) silent: Option<usize>,
}

/// Guards the two connections to one master.
pub(crate) struct Guard {
    shared: Arc<Guarded>,
    index: usize,
    requests: Connection,
    /// Who is at the other end of `requests`.
    identity: Identity,
    tracker: Tracker,
    /// Before the server was asked for what proved the connections last.
    proved: Instant,
}

impl Guarded {
    /// Waits until then, or until somebody has a suspicion.
    async fn pause(&self, until: Instant) {
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.links.suspicion.notified() => {}
        }
    }
}

impl Failure {
    pub(crate) fn new(error: StoreError) -> Self {
        Self { error, silent: None }
    }
}

impl Guard {
    /// Begins to track at a master, and proves that this works.
    pub(crate) async fn prove(
        shared: Arc<Guarded>,
        index: usize,
        prefix: &str,
        events: UnboundedSender<Event>,
    ) -> Result<Self, StoreError> {
        let node = &shared.nodes[index];
        let requests = node.connection()?.clone();
        let limit = shared.settings.connect_timeout;
        let prove = async {
            let tracker = Tracker::open(&node.place, limit, prefix, events).await?;
            let proved = Instant::now();
            let identity = tracker.prove(&requests).await?;
            shared.finder.confirm(&tracker.connection, &node.place, &shared.topology).await?;
            Ok((tracker, identity, proved))
        };
        let (tracker, identity, proved) =
            timeout(limit, prove).await.unwrap_or_else(|_| Err(error::silent()))?;
        Ok(Self { shared, index, requests, identity, tracker, proved })
    }

    pub(crate) fn spawn_on(self, guards: &mut JoinSet<Failure>) {
        guards.spawn(watch_requests(
            Arc::clone(&self.shared),
            self.index,
            self.requests.clone(),
            self.identity.clone(),
        ));
        let (shared, tracking) = (Arc::clone(&self.shared), self.tracker.connection.clone());
        guards.spawn(watch_topology(shared, self.index, tracking));
        guards.spawn(self.watch_tracking());
    }

    /// Returns when the server does not track any more, or has not said for two heartbeats that it does.
    async fn watch_tracking(self) -> Failure {
        let Self { shared, index, requests, tracker, mut proved, .. } = self;
        let heartbeat = shared.settings.heartbeat;
        loop {
            shared.pause(proved + heartbeat).await;
            let begun = Instant::now();
            match timeout_at(proved + 2 * heartbeat, tracker.check(&requests)).await {
                Ok(Ok(())) => proved = begun,
                Ok(Err(error)) => return Failure::new(error),
                Err(_) => return Failure { error: error::silent(), silent: Some(index) },
            }
        }
    }
}

/// Returns when there are other masters.
async fn watch_topology(shared: Arc<Guarded>, index: usize, tracking: Connection) -> Failure {
    let place = &shared.nodes[index].place;
    loop {
        shared.pause(Instant::now() + shared.settings.heartbeat).await;
        if let Err(error) = shared.finder.confirm(&tracking, place, &shared.topology).await {
            return Failure::new(error);
        }
    }
}

/// Returns when another server answers requests, or none.
async fn watch_requests(
    shared: Arc<Guarded>,
    index: usize,
    requests: Connection,
    first: Identity,
) -> Failure {
    loop {
        tokio::time::sleep(shared.settings.heartbeat).await;
        let error = match timeout(REQUESTS_LIMIT, requests.identify()).await {
            Ok(Ok(identity)) if identity == first => continue,
            Ok(Ok(_)) => error::disconnected("another server answers"),
            Ok(Err(error)) => error,
            Err(_) => error::silent(),
        };
        return Failure { error, silent: Some(index) };
    }
}

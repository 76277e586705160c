//! Connections to all masters, from the attempt to connect until one of them fails.

use std::sync::{Arc, Weak};

use memo_core::remote::{Changed, StoreError, Watcher};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::events::{self, Event};
use super::guard::{Failure, Guard, Guarded};
use super::health::Health;
use crate::blocking::Blocking;
use crate::connection::Connection;
use crate::error;
use crate::links::{Links, Node, Opened};
use crate::local::Local;
use crate::masters::finder::Finder;
use crate::masters::settings::Settings;
use crate::masters::topology::{Place, Topology};
use crate::requests::names;

/// Who is told of changes.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) prefix: String,
    pub(crate) watcher: Weak<dyn Watcher>,
}

/// What sessions of one thread have in common.
pub(crate) struct Session {
    pub(crate) settings: Arc<Settings>,
    pub(crate) finder: Arc<Finder>,
    pub(crate) watch: Watch,
    pub(crate) links: Arc<Links>,
    pub(crate) health: Arc<Health>,
}

/// How a session ended.
pub(crate) struct Ended {
    pub(crate) error: StoreError,
    /// Everything was connected before.
    pub(crate) was_up: bool,
}

impl Ended {
    pub(crate) fn by_panic() -> Self {
        Self { error: error::disconnected("the watcher panicked"), was_up: false }
    }
}

impl Watch {
    pub(crate) fn tell(&self, tell: impl FnOnce(&dyn Watcher)) {
        if let Some(watcher) = self.watcher.upgrade() {
            tell(&*watcher);
        }
    }

    fn tell_changed(&self, name: &str) {
        let changed = names::leased_entry(name).map_or(Changed::Value(name), Changed::Lease);
        self.tell(|watcher| watcher.changed(changed));
    }
}

impl Session {
    /// Connects, and returns why connecting or a connection failed.
    pub(crate) async fn run(&self) -> Ended {
        let topology = match self.finder.find().await {
            Ok(topology) => topology,
            Err(error) => {
                self.links.down(error.clone());
                return Ended { error, was_up: false };
            }
        };
        let (events, mut happened) = mpsc::unbounded_channel();
        let nodes = self.open_all(&topology, &events).await;
        let guards = match nodes.iter().find_map(|node| node.connection().err()) {
            Some(error) => Err(error),
            None => self.track_all(topology, &nodes, &events).await,
        };
        self.link(&nodes);
        let mut guards = match guards {
            Ok(guards) => guards,
            Err(error) => return Ended { error, was_up: false },
        };
        // Nothing is awaited since requests may use the connections. So the answers to those that waited come after this.
        self.watch.tell(|watcher| watcher.connected());
        self.health.set(Ok(()));
        let Failure { error, silent } = self.attend(&mut guards, &mut happened).await;
        if let Some(node) = silent {
            nodes[node].mark_down(error.clone());
        }
        Ended { error, was_up: true }
    }

    /// Lets requests use the connections that there are, also if some are missing or changes are not told.
    fn link(&self, nodes: &Arc<[Node]>) {
        let failures: Option<Vec<_>> = nodes.iter().map(|node| node.connection().err()).collect();
        match failures.and_then(|mut failures| failures.pop()) {
            Some(error) => self.links.down(error),
            None => self.links.up(Arc::clone(nodes)),
        }
    }

    /// Opens the connections for requests, all at once.
    async fn open_all(&self, topology: &Topology, events: &UnboundedSender<Event>) -> Arc<[Node]> {
        let mut opening = JoinSet::new();
        for (index, place) in topology.0.iter().cloned().enumerate() {
            let (settings, events) = (Arc::clone(&self.settings), events.clone());
            opening.spawn(async move {
                let opened = open(&settings, &place, index, events).await;
                (index, Node::new(place, opened))
            });
        }
        let mut nodes = opening.join_all().await;
        nodes.sort_by_key(|(index, _)| *index);
        nodes.into_iter().map(|(_, node)| node).collect()
    }

    /// Begins to track at all masters, all at once, and returns what looks whether that goes on.
    async fn track_all(
        &self,
        topology: Topology,
        nodes: &Arc<[Node]>,
        events: &UnboundedSender<Event>,
    ) -> Result<JoinSet<Failure>, StoreError> {
        let shared = Arc::new(Guarded {
            settings: Arc::clone(&self.settings),
            finder: Arc::clone(&self.finder),
            links: Arc::clone(&self.links),
            nodes: Arc::clone(nodes),
            topology,
        });
        let mut proving = JoinSet::new();
        for index in 0..nodes.len() {
            let (shared, prefix, events) =
                (Arc::clone(&shared), self.watch.prefix.clone(), events.clone());
            proving.spawn(async move { Guard::prove(shared, index, &prefix, events).await });
        }
        let mut guards = JoinSet::new();
        while let Some(proved) = proving.join_next().await {
            let guard =
                proved.unwrap_or_else(|_| Err(error::disconnected("connecting was given up")))?;
            guard.spawn_on(&mut guards);
        }
        Ok(guards)
    }

    /// Passes on what happens, until something fails.
    async fn attend(
        &self,
        guards: &mut JoinSet<Failure>,
        happened: &mut UnboundedReceiver<Event>,
    ) -> Failure {
        loop {
            let event = tokio::select! {
                biased;
                Some(failed) = guards.join_next() => {
                    return failed.unwrap_or_else(|_| Failure::new(error::disconnected("a task ended")));
                }
                Some(event) = happened.recv() => event,
            };
            match event {
                Event::Changed(name) => self.watch.tell_changed(&name),
                Event::AllChanged => self.watch.tell(|watcher| watcher.changed(Changed::All)),
                Event::TrackingEnded => return Failure::new(ended()),
                Event::RequestsEnded(node) => {
                    return Failure { error: ended(), silent: Some(node) };
                }
            }
        }
    }
}

fn ended() -> StoreError {
    error::disconnected("the connection ended")
}

/// Opens the connections for requests to a master.
async fn open(
    settings: &Settings,
    place: &Place,
    index: usize,
    events: UnboundedSender<Event>,
) -> Result<Opened, StoreError> {
    let limit = settings.connect_timeout;
    let connection =
        Connection::open(&place.server, limit, events::of_requests(index, events)).await?;
    let identity = timeout(limit, connection.identify()).await.map_err(|_| error::silent())??;
    if identity.is_cluster && !settings.source.is_cluster() {
        return Err(error::disconnected(
            "the server is part of a cluster, and the settings name none",
        ));
    }
    // If the server does not tell which one it is, other connections might lead elsewhere.
    let is_known = identity.is_known();
    let server = || place.server.clone();
    let local = (is_known && settings.on_runtimes).then(|| Local::new(server(), identity.clone()));
    let blocking = is_known.then(|| Blocking::new(server(), identity, limit, settings.pool));
    Ok(Opened { connection, blocking, local })
}

//! Finds the masters, and looks again whether they still are.

use std::sync::{Arc, Mutex, PoisonError};

use memo_core::remote::StoreError;
use redis::{ConnectionInfo, Value};
use tokio::time::timeout;

use super::cluster;
use super::settings::Settings;
use super::source::{Sentinels, Source, at};
use super::topology::{Place, Topology};
use crate::connection::{Connection, text};
use crate::error;

/// Finds masters, with what it has found before.
pub(crate) struct Finder {
    settings: Arc<Settings>,
    /// A sentinel that answered last.
    sentinel: tokio::sync::Mutex<Option<Connection>>,
    /// The masters of the cluster that were found last.
    known: Mutex<Vec<ConnectionInfo>>,
}

impl Finder {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, sentinel: tokio::sync::Mutex::default(), known: Mutex::default() }
    }

    /// Finds the masters.
    pub(crate) async fn find(&self) -> Result<Topology, StoreError> {
        match &self.settings.source {
            Source::Nowhere(reason) => Err(reason.clone()),
            Source::Address(server) => Ok(Topology(vec![Place::alone((**server).clone())])),
            Source::Sentinels(sentinels) => self.ask_sentinels(sentinels).await,
            Source::Cluster(seeds) => self.ask_nodes(seeds).await,
        }
    }

    /// Looks whether these still are the masters. `master` is a connection to one of them, which is at `place`.
    ///
    /// # Errors
    /// There are others. If nobody can be asked, there is no error.
    pub(crate) async fn confirm(
        &self,
        master: &Connection,
        place: &Place,
        topology: &Topology,
    ) -> Result<(), StoreError> {
        let found = match &self.settings.source {
            Source::Nowhere(_) | Source::Address(_) => return Ok(()),
            Source::Sentinels(sentinels) => self.ask_sentinels(sentinels).await,
            Source::Cluster(_) => cluster::masters(master, &place.server).await,
        };
        match found {
            Ok(found) if found != *topology => {
                Err(error::disconnected("there are other masters now"))
            }
            _ => Ok(()),
        }
    }

    /// Asks one node after the other.
    async fn ask_nodes(&self, seeds: &[ConnectionInfo]) -> Result<Topology, StoreError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut failure = error::disconnected("no server is named");
        for node in known.iter().chain(seeds) {
            let asked = async { cluster::masters(&self.connect(node).await?, node).await };
            match self.limited(asked).await {
                Ok(topology) => {
                    let servers = topology.0.iter().map(|place| place.server.clone()).collect();
                    *self.known.lock().unwrap_or_else(PoisonError::into_inner) = servers;
                    return Ok(topology);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Asks one sentinel after the other, beginning with the one that answered last.
    async fn ask_sentinels(&self, sentinels: &Sentinels) -> Result<Topology, StoreError> {
        let mut last = self.sentinel.lock().await;
        if let Some(connection) = last.take()
            && let Ok(topology) = self.limited(ask_sentinel(&connection, sentinels)).await
        {
            *last = Some(connection);
            return Ok(topology);
        }
        let mut failure = error::disconnected("no sentinel is named");
        for address in &sentinels.addresses {
            let asked = async {
                let connection = self.connect(address).await?;
                let topology = ask_sentinel(&connection, sentinels).await?;
                Ok((connection, topology))
            };
            match self.limited(asked).await {
                Ok((connection, topology)) => {
                    *last = Some(connection);
                    return Ok(topology);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn connect(&self, server: &ConnectionInfo) -> Result<Connection, StoreError> {
        Connection::open(server, self.settings.connect_timeout, drop).await
    }

    async fn limited<T>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        timeout(self.settings.connect_timeout, asked).await.unwrap_or_else(|_| Err(error::silent()))
    }
}

async fn ask_sentinel(
    connection: &Connection,
    sentinels: &Sentinels,
) -> Result<Topology, StoreError> {
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(&sentinels.service);
    let parts = match connection.ask_one(command).await? {
        Value::Array(parts) => parts,
        Value::Nil => return Err(error::disconnected("a sentinel does not know the service")),
        Value::ServerError(error) => {
            return Err(error::while_connecting(error::from_server(&error)));
        }
        _ => return Err(error::unexpected("to SENTINEL")),
    };
    let parts: Vec<_> = parts.iter().filter_map(text).collect();
    let [host, port] = parts[..] else { return Err(error::unexpected("to SENTINEL")) };
    let port = port.parse().map_err(|_| error::unexpected("to SENTINEL"))?;
    let reached = &sentinels.addresses[0];
    let master = at(reached, host, port).set_redis_settings(sentinels.login.clone());
    Ok(Topology(vec![Place::alone(master)]))
}

//! Where the masters are found: at an address, by sentinels, in a cluster.

use memo_core::remote::StoreError;
use redis::ConnectionInfo;

use crate::connection::Connection;
use crate::topology::{Place, Topology};

/// Knows where the masters are.
pub(crate) enum Source {
    /// The settings are wrong.
    Nowhere(StoreError),
    /// One server.
    Address(Box<ConnectionInfo>),
}

impl Source {
    /// Finds the masters.
    pub(crate) async fn find(&self) -> Result<Topology, StoreError> {
        match self {
            Self::Nowhere(reason) => Err(reason.clone()),
            Self::Address(server) => Ok(Topology(vec![Place::alone((**server).clone())])),
        }
    }

    /// Looks whether these still are the masters. `master` is a connection to one of them.
    pub(crate) async fn confirm(
        &self,
        _master: &Connection,
        _topology: &Topology,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    pub(crate) fn is_cluster(&self) -> bool {
        false
    }
}

//! Where the masters are found: at an address, by sentinels, in a cluster.

use memo_core::remote::StoreError;
use redis::{ConnectionAddr, ConnectionInfo, RedisConnectionInfo};

/// Where the masters are found.
pub(crate) enum Source {
    /// The settings are wrong.
    Nowhere(StoreError),
    /// One server.
    Address(Box<ConnectionInfo>),
    /// The server that sentinels name.
    Sentinels(Box<Sentinels>),
    /// The masters of the cluster that one of these servers belongs to.
    Cluster(Vec<ConnectionInfo>),
}

/// Sentinels, and what they are asked about.
pub(crate) struct Sentinels {
    pub(crate) addresses: Vec<ConnectionInfo>,
    /// What the sentinels call the servers of which they know the master.
    pub(crate) service: String,
    /// The user, the password and the database at the master.
    pub(crate) login: RedisConnectionInfo,
}

impl Source {
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

/// Returns a server at another address that is reached as this one is.
pub(crate) fn at(server: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let host = host.to_owned();
    let address = match server.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host, port),
    };
    server.clone().set_addr(address)
}

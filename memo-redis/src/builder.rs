//! What a user says of servers.

use std::fmt;
use std::time::Duration;

use memo_core::remote::{StoreError, Tier, TierOptions};
use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo};

#[cfg(feature = "tls-rustls")]
use crate::certificates::Certificates;
use crate::error;
use crate::masters::settings::Settings;
use crate::masters::source::{Sentinels, Source};
use crate::store::RedisStore;

/// Says where the servers are and what a tier on them does. Made by [`Redis::builder`](crate::Redis::builder).
#[derive(Clone)]
pub struct Builder {
    urls: Vec<String>,
    kind: Kind,
    username: Option<String>,
    password: Option<String>,
    #[cfg(feature = "tls-rustls")]
    certificates: Certificates,
    connect_timeout: Duration,
    pool: usize,
    on_runtimes: bool,
    heartbeat: Duration,
    options: TierOptions,
}

/// What the URLs are.
#[derive(Clone)]
enum Kind {
    Address,
    Sentinels(String),
    Cluster,
}

impl Builder {
    /// Begins with the URL of a server: `redis://HOST:PORT/DATABASE`, or `unix:///PATH`. A user and a password may stand
    /// before the host, as `USER:PASSWORD@`. `rediss:` is TLS, for which the crate has the feature `tls-rustls`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            kind: Kind::Address,
            username: None,
            password: None,
            #[cfg(feature = "tls-rustls")]
            certificates: Certificates::default(),
            connect_timeout: Duration::from_secs(2),
            pool: 8,
            on_runtimes: cfg!(panic = "unwind"),
            heartbeat: Duration::from_millis(500),
            options: TierOptions::new(),
        }
    }

    /// Adds another sentinel, or another node of the cluster. One that answers is enough.
    #[must_use]
    pub fn or(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// Makes the URLs those of sentinels, which are asked for the master of `service`.
    ///
    /// The user and the password in a URL are those of the sentinel then. The master has those of [`Builder::username`]
    /// and [`Builder::password`], and the database in the first URL.
    #[must_use]
    pub fn sentinel(mut self, service: impl Into<String>) -> Self {
        self.kind = Kind::Sentinels(service.into());
        self
    }

    /// Makes the URLs those of nodes of a cluster.
    #[must_use]
    pub fn cluster(mut self) -> Self {
        self.kind = Kind::Cluster;
        self
    }

    /// Sets the user, in place of that in the URL.
    #[must_use]
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Sets the password, in place of that in the URL.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets whom to believe what server it is: certificates in the PEM format, in place of those of the system.
    #[cfg(feature = "tls-rustls")]
    #[must_use]
    pub fn authority(mut self, certificates: impl Into<Vec<u8>>) -> Self {
        self.certificates.authority = Some(certificates.into());
        self
    }

    /// Sets the certificate that shows the server who asks, and its key, both in the PEM format.
    #[cfg(feature = "tls-rustls")]
    #[must_use]
    pub fn certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.certificates.own = Some((certificate.into(), key.into()));
        self
    }

    /// Sets how long connecting to one server may take. The default is 2 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how many connections to one server the threads may have that wait for an answer: a sync function that is
    /// called by one of them needs none of the thread that serves the others. They are opened when they are needed. The
    /// default is 8; with 0 all share one connection.
    #[must_use]
    pub fn pool(mut self, connections: usize) -> Self {
        self.pool = connections;
        self
    }

    /// Sets whether async functions that a task of a tokio runtime calls ask by a connection that this runtime drives. They
    /// need none of the thread that serves the others then, and take half as long. A runtime without I/O
    /// (`enable_io`) cannot do that: one panic of a task is reported then, and the thread serves its calls as well.
    ///
    /// True by default, but where a panic ends the program (`panic = "abort"`) false.
    #[must_use]
    pub fn on_runtimes(mut self, on: bool) -> Self {
        self.on_runtimes = on;
        self
    }

    /// Sets how often each server is asked whether it still tells what changes. If it has not answered for twice this
    /// time, changes count as missed. The default is 500 ms, the least 10 ms, the most an hour.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat.clamp(Duration::from_millis(10), Duration::from_secs(3600));
        self
    }

    /// Sets what all names on the server begin with, behind `memokit:`. Programs with different namespaces share nothing.
    /// `default` by default.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.option(|options| options.namespace(namespace))
    }

    /// Sets how long a call waits for the tier, unless the function has `remote_limit`. 100 ms by default.
    #[must_use]
    pub fn read_limit(self, limit: Duration) -> Self {
        self.option(|options| options.read_limit(limit))
    }

    /// Sets how long the right to compute a key outlives the process that has it. 10 s by default, at least 3 s.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        self.option(|options| options.lease(lease))
    }

    /// Sets how many results may wait to be written, and how many bytes they may take. If there are more, the oldest are
    /// dropped. 10,000 and 64 MiB by default.
    #[must_use]
    pub fn queue(self, writes: usize, bytes: usize) -> Self {
        self.option(|options| options.queue(writes, bytes))
    }

    /// Sets the most bytes of a result that goes to the tier or is accepted from there. 64 MiB by default.
    #[must_use]
    pub fn max_value(self, bytes: u64) -> Self {
        self.option(|options| options.max_value(bytes))
    }

    /// Compresses results of more than 1 KiB if that saves at least a tenth.
    #[cfg(feature = "lz4")]
    #[must_use]
    pub fn compressed(self) -> Self {
        self.option(TierOptions::compressed)
    }

    /// Adds a code to each result that only who knows `key` can make. See [`TierOptions::authenticated`].
    #[must_use]
    pub fn authenticated(self, key: [u8; 32]) -> Self {
        self.option(|options| options.authenticated(key))
    }

    fn option(mut self, set: impl FnOnce(TierOptions) -> TierOptions) -> Self {
        self.options = set(self.options);
        self
    }

    /// Makes the tier. Returns at once: it connects behind. What is wrong with the settings is what its
    /// [`health`](Tier::health) says.
    #[must_use]
    pub fn connect(&self) -> Tier {
        Tier::new(self.store(), self.options.clone())
    }

    /// Makes a store without a tier. It connects behind. What is wrong with the settings is what its
    /// [`health`](memo_core::remote::Store::health) says.
    #[must_use]
    pub fn store(&self) -> RedisStore {
        let source = self.source().unwrap_or_else(Source::Nowhere);
        RedisStore::new(Settings {
            source,
            connect_timeout: self.connect_timeout,
            pool: self.pool,
            on_runtimes: self.on_runtimes,
            heartbeat: self.heartbeat,
        })
    }

    fn source(&self) -> Result<Source, StoreError> {
        let servers: Result<Vec<_>, _> = self.urls.iter().map(|url| self.server(url)).collect();
        let mut servers = servers?;
        match &self.kind {
            Kind::Cluster => {
                Ok(Source::Cluster(servers.into_iter().map(|server| self.log_in(server)).collect()))
            }
            Kind::Address if servers.len() > 1 => Err(error::disconnected(
                "there are several URLs, and neither sentinels nor a cluster",
            )),
            Kind::Address => Ok(Source::Address(Box::new(self.log_in(servers.remove(0))))),
            Kind::Sentinels(service) => {
                Ok(Source::Sentinels(Box::new(self.sentinels(servers, service))))
            }
        }
    }

    fn sentinels(&self, servers: Vec<ConnectionInfo>, service: &str) -> Sentinels {
        let nobody = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        let master = nobody.set_db(servers[0].redis_settings().db());
        let master = self.log_in(servers[0].clone().set_redis_settings(master));
        // A sentinel has no databases.
        let addresses = servers.into_iter().map(|server| {
            let login = server.redis_settings().clone().set_db(0);
            server.set_redis_settings(login)
        });
        Sentinels {
            addresses: addresses.collect(),
            service: service.to_owned(),
            login: master.redis_settings().clone(),
        }
    }

    /// Reads a URL.
    fn server(&self, url: &str) -> Result<ConnectionInfo, StoreError> {
        if !cfg!(feature = "tls-rustls")
            && ["rediss:", "valkeys:"].iter().any(|tls| url.starts_with(tls))
        {
            return Err(error::disconnected("TLS needs the feature `tls-rustls` of memo-redis"));
        }
        // What the crate redis says of a wrong URL could name parts of it.
        let server = url
            .into_connection_info()
            .map_err(|_| error::disconnected("the URL is not one of a server"))?;
        let login = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = TcpSettings::default().set_nodelay(true);
        let server = server.set_redis_settings(login).set_tcp_settings(tcp);
        #[cfg(feature = "tls-rustls")]
        let server = self.certificates.for_server(server)?;
        Ok(server)
    }

    /// Replaces the user and the password by those that were set.
    fn log_in(&self, server: ConnectionInfo) -> ConnectionInfo {
        let mut login = server.redis_settings().clone();
        if let Some(username) = &self.username {
            login = login.set_username(username);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        server.set_redis_settings(login)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("username", &self.username)
            .field("connect_timeout", &self.connect_timeout)
            .field("heartbeat", &self.heartbeat)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

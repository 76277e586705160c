//! What a user says of servers.

use std::fmt;
use std::time::Duration;

use memo_core::remote::StoreError;
use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

#[cfg(feature = "tls-rustls")]
use crate::certificates::Certificates;
use crate::error;
use crate::settings::Settings;
use crate::source::Source;
use crate::store::RedisStore;

/// Makes a [`RedisStore`].
#[derive(Clone)]
pub struct Builder {
    url: String,
    username: Option<String>,
    password: Option<String>,
    #[cfg(feature = "tls-rustls")]
    certificates: Certificates,
    connect_timeout: Duration,
    heartbeat: Duration,
}

impl Builder {
    /// Begins with the URL of a server: `redis://HOST:PORT/DATABASE`, or `unix:///PATH`. A user and a password may stand
    /// before the host, as `USER:PASSWORD@`. `rediss:` is TLS, for which the crate has the feature `tls-rustls`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            username: None,
            password: None,
            #[cfg(feature = "tls-rustls")]
            certificates: Certificates::default(),
            connect_timeout: Duration::from_secs(2),
            heartbeat: Duration::from_millis(500),
        }
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

    /// Sets how often each server is asked whether it still tells what changes. If it has not answered for twice this
    /// time, changes count as missed. The default is 500 ms, the least 10 ms.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat.max(Duration::from_millis(10));
        self
    }

    /// Makes the store. It connects behind. What is wrong with the settings is what its
    /// [`health`](memo_core::remote::Store::health) says.
    #[must_use]
    pub fn store(&self) -> RedisStore {
        let source = match self.server(&self.url) {
            Ok(server) => Source::Address(Box::new(server)),
            Err(reason) => Source::Nowhere(reason),
        };
        RedisStore::new(Settings {
            source,
            connect_timeout: self.connect_timeout,
            heartbeat: self.heartbeat,
        })
    }

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
        let mut login = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        if let Some(username) = &self.username {
            login = login.set_username(username);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        let tcp = TcpSettings::default().set_nodelay(true);
        let server = server.set_redis_settings(login).set_tcp_settings(tcp);
        #[cfg(feature = "tls-rustls")]
        let server = self.certificates.for_server(server)?;
        Ok(server)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("username", &self.username)
            .field("connect_timeout", &self.connect_timeout)
            .field("heartbeat", &self.heartbeat)
            .finish_non_exhaustive()
    }
}

//! What a user says of servers.

use std::fmt;
use std::time::Duration;

use memo_core::remote::StoreError;
use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

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
    connect_timeout: Duration,
    heartbeat: Duration,
}

impl Builder {
    /// Begins with the URL of a server: `redis://HOST:PORT/DATABASE`, or `unix:///PATH`. A user and a password may stand
    /// before the host, as `USER:PASSWORD@`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            username: None,
            password: None,
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
        Ok(server
            .set_redis_settings(login)
            .set_tcp_settings(TcpSettings::default().set_nodelay(true)))
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

//! Where a user begins.

use memo_core::remote::Tier;

use crate::builder::Builder;

/// Redis, Valkey and what speaks their protocol, as a tier for the argument `remote` of `#[memoize]`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Redis;

impl Redis {
    /// Makes a tier with default settings on one server: `redis://HOST:PORT/DATABASE`. Returns at once: it connects
    /// behind, and again whenever it has to.
    ///
    /// Nothing fails if the URL is wrong or the server does not answer: the functions compute then, and
    /// [`Tier::health`] says why.
    #[must_use]
    pub fn connect(url: impl Into<String>) -> Tier {
        Self::builder(url).connect()
    }

    /// Begins the settings of a tier with a URL: `redis://HOST:PORT/DATABASE`, or `unix:///PATH`. A user and a password
    /// may stand before the host, as `USER:PASSWORD@`. `rediss:` is TLS, for which the crate has the feature
    /// `tls-rustls`.
    #[must_use]
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url)
    }
}

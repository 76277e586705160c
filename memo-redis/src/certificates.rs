//! Certificates for TLS.

use memo_core::remote::StoreError;
use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};

use crate::error;

#[derive(Clone, Default)]
pub(crate) struct Certificates {
    /// In place of those of the system.
    pub(crate) authority: Option<Vec<u8>>,
    /// A certificate and its key.
    pub(crate) own: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificates {
    /// Adds the certificates to what is known of a server.
    pub(crate) fn for_server(&self, server: ConnectionInfo) -> Result<ConnectionInfo, StoreError> {
        let is_tls = matches!(server.addr(), ConnectionAddr::TcpTls { .. });
        if is_tls {
            choose_cryptography();
        } else if self.authority.is_some() || self.own.is_some() {
            return Err(error::disconnected(
                "there are certificates, and the URL does not begin with `rediss:`",
            ));
        }
        if matches!(server.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
            return Err(error::disconnected(
                "the URL asks for TLS that does not look who the server is",
            ));
        }
        let own = self.own.clone();
        let client_tls =
            own.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        if !is_tls || self.authority.is_none() && client_tls.is_none() {
            return Ok(server);
        }
        let certificates = TlsCertificates { client_tls, root_cert: self.authority.clone() };
        let client = Client::build_with_tls(server, certificates);
        // An error of the crate could show what it could not read.
        let client = client
            .map_err(|_| error::disconnected("the certificates or the key cannot be read"))?;
        Ok(client.get_connection_info().clone())
    }
}

/// Chooses what does the cryptography of rustls in this process, unless the program has chosen. rustls panics if another
/// crate compiled a second implementation into it and nobody has chosen.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

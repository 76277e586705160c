//! TLS, with certificates that the tests make.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use memo_core::remote::{Store, StoreError};
use memo_redis::Builder;

use crate::server::{Server, is_installed};
use crate::watching::{Machine, Seen, done, soon, value};

const ENTRY: &str = "memo:{a}";

/// An authority and what it has signed, as files.
struct Authority(tempfile::TempDir);

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    let status = command
        .args(arguments.split(' '))
        .current_dir(folder)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "openssl {arguments}");
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem";
        openssl(folder.path(), own);
        let authority = Self(folder);
        authority.sign("server", "subjectAltName=IP:127.0.0.1");
        authority.sign("elsewhere", "subjectAltName=DNS:elsewhere");
        authority.sign("client", "extendedKeyUsage=clientAuth");
        authority
    }

    fn sign(&self, name: &str, extension: &str) {
        fs::write(self.0.path().join("extension"), extension).unwrap();
        let request = format!(
            "req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        );
        openssl(self.0.path(), &request);
        let sign = format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extension -out {name}.pem"
        );
        openssl(self.0.path(), &sign);
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.0.path().join(file)).unwrap()
    }

    /// Starts a server with this certificate, and returns its URL for TLS.
    fn server(&self, certificate: &str, asks_clients: &str) -> (Server, String) {
        let path = |file: &str| self.0.path().join(file).display().to_string();
        let port = crate::server::free_port().to_string();
        let server = Server::start(&[
            "--tls-port",
            &port,
            "--tls-cert-file",
            &path(&format!("{certificate}.pem")),
            "--tls-key-file",
            &path(&format!("{certificate}.key")),
            "--tls-ca-cert-file",
            &path("ca.pem"),
            "--tls-auth-clients",
            asks_clients,
        ]);
        (server, format!("rediss://127.0.0.1:{port}"))
    }
}

fn is_refused(builder: &Builder, reason: &str) {
    let machine = Machine::new(builder);
    let error = done(machine.store.get(ENTRY, soon())).unwrap_err();
    assert!(matches!(&error, StoreError::Disconnected(text) if text.contains(reason)), "{error:?}");
}

#[test]
fn servers_and_clients_show_who_they_are() {
    if !is_installed("redis-server") || !is_installed("openssl") {
        return;
    }
    let authority = Authority::new();
    let (_server, url) = authority.server("server", "yes");
    let builder = Builder::new(&url).authority(authority.read("ca.pem"));
    let known =
        builder.clone().certificate(authority.read("client.pem"), authority.read("client.key"));
    let machine = Machine::new(&known);
    machine.sees(&Seen::Connected);
    machine.put(ENTRY, &vec![7; 1 << 20]);
    machine.sees(&value(ENTRY));
    assert_eq!(machine.bytes(ENTRY), Some(vec![7; 1 << 20]));
    is_refused(&builder, "");
    let text = format!("{known:?}");
    assert!(!text.contains("PRIVATE"), "{text}");
}

#[test]
fn a_server_that_is_not_the_one_that_was_meant_is_refused() {
    if !is_installed("redis-server") || !is_installed("openssl") {
        return;
    }
    let (authority, other) = (Authority::new(), Authority::new());
    let (_server, url) = authority.server("server", "no");
    Machine::new(&Builder::new(&url).authority(authority.read("ca.pem"))).sees(&Seen::Connected);
    is_refused(&Builder::new(&url).authority(other.read("ca.pem")), "certificate");
    is_refused(&Builder::new(&url), "certificate");
    is_refused(&Builder::new(format!("{url}/#insecure")), "does not look");
    let (_server, url) = authority.server("elsewhere", "no");
    is_refused(&Builder::new(&url).authority(authority.read("ca.pem")), "certificate");
}

#[test]
fn certificates_that_cannot_be_read_are_an_error() {
    let builder = Builder::new("rediss://127.0.0.1:1").certificate("secret", "secret");
    is_refused(&builder, "cannot be read");
    is_refused(&Builder::new("redis://127.0.0.1:1").authority("x"), "rediss");
}

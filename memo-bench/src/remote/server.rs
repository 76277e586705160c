//! A server on the loopback, which ends with this program.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);
/// How many ports are tried: another program may take one first.
const PORTS: usize = 20;

static URL: OnceLock<String> = OnceLock::new();

/// Returns the URL of the server that was announced.
pub(super) fn url() -> &'static str {
    URL.get().expect("a server was started")
}

pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts a server, and returns when it accepts connections. Returns nothing if none is installed.
    pub(super) fn start() -> Result<Option<Self>, String> {
        for _ in 0..PORTS {
            let port = free_port().map_err(|error| error.to_string())?;
            let process = match spawn(port) {
                Ok(process) => process,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(format!("redis-server cannot be started: {error}")),
            };
            let mut server = Self { process, port };
            if server.is_ready() {
                return Ok(Some(server));
            }
        }
        Err("redis-server does not start".to_owned())
    }

    /// Makes this the server that all connect to.
    pub(super) fn announce(&self) {
        URL.get_or_init(|| format!("redis://127.0.0.1:{}", self.port));
    }

    /// Waits until the server accepts connections. Returns false if it ends before.
    fn is_ready(&mut self) -> bool {
        let end = Instant::now() + START;
        while Instant::now() < end {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn spawn(port: u16) -> io::Result<Child> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

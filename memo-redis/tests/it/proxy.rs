//! Stands between a store and servers, and fails as networks do.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use memo_redis::Builder;

use crate::server::Server;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Nothing is passed on.
    is_held: bool,
    is_over: bool,
    /// The ends of the connections that belong to clients.
    clients: Vec<TcpStream>,
}

impl Proxy {
    /// Passes connections on to these servers in turn.
    pub(crate) fn to(servers: &[&Server]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ports: Vec<_> = servers.iter().map(|server| server.port).collect();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for (target, client) in ports.iter().cycle().zip(listener.incoming()) {
                if accepting.state.lock().unwrap().is_over {
                    return;
                }
                accepting.join(&client.unwrap(), *target);
            }
        });
        Self { port, shared }
    }

    pub(crate) fn builder(&self) -> Builder {
        Builder::new(format!("redis://127.0.0.1:{}", self.port))
    }

    /// Passes nothing on any more, or goes on with what has come meanwhile.
    pub(crate) fn hold(&self, is_held: bool) {
        self.shared.state.lock().unwrap().is_held = is_held;
        self.shared.changed.notify_all();
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.end(Shutdown::Both);
    }

    /// Ends what goes to clients, and goes on to take what they send.
    pub(crate) fn half_close(&self) {
        self.end(Shutdown::Write);
    }

    fn end(&self, how: Shutdown) {
        for client in self.shared.state.lock().unwrap().clients.drain(..) {
            let _ = client.shutdown(how);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().is_over = true;
        self.hold(false);
        self.cut();
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn join(self: &Arc<Self>, client: &TcpStream, port: u16) {
        // The server may be down.
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
        self.state.lock().unwrap().clients.push(client.try_clone().unwrap());
        for (from, to) in [(client, &server), (&server, client)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let shared = Arc::clone(self);
            thread::spawn(move || shared.pass(from, to));
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut chunk = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut chunk) {
            drop(
                self.changed.wait_while(self.state.lock().unwrap(), |state| state.is_held).unwrap(),
            );
            if to.write_all(&chunk[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }
}

//! A cache in each object. Look at the field `cache`: each connection keeps what its server answered, and what it keeps
//! goes with it.
//!
//!     cargo run --example objects

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use memokit::{Cache, memoize};

/// A connection to a server. It is not `Serialize`, and it is in no key.
struct Connection {
    server: String,
    requests: AtomicU32,
    cache: Cache,
}

impl Connection {
    fn open(server: &str) -> Self {
        Self { server: server.to_owned(), requests: AtomicU32::new(0), cache: Cache::new() }
    }

    #[memoize(scope = "instance", ttl = "30s", max = 1000)]
    fn page(&self, path: &str) -> Result<String, String> {
        self.requests.fetch_add(1, Relaxed);
        if path.starts_with('/') {
            Ok(format!("{}{path}", self.server))
        } else {
            Err("no path".to_owned())
        }
    }

    #[memoize(scope = "instance", max = 1000)]
    fn length(&self, path: &str) -> usize {
        self.page(path).map_or(0, |page| page.len())
    }
}

fn main() {
    let connections = ["one.example", "two.example"].map(Connection::open);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for connection in &connections {
                    connection.length("/index");
                }
            });
        }
    });
    for connection in &connections {
        let (page, requests) = (connection.page("/index"), connection.requests.load(Relaxed));
        println!("{page:?} after {requests} request, {} held", connection.page_memo().len());
    }
    connections[0].cache.clear();
    println!(
        "after clear: {} and {}",
        connections[0].page_memo().len(),
        connections[1].page_memo().len()
    );
    drop(connections);
    println!("what dropped connections have counted stays:");
    for stats in memokit::report().caches() {
        println!("{}: {} hits, {} misses", stats.name, stats.hits, stats.misses);
    }
}

use memokit::memoize;
use std::sync::Arc;

#[memoize(scope = "instance")]
fn free(a: u32) -> u32 {
    a
}

struct Connection {
    cache: memokit::Cache,
}

impl Connection {
    #[memoize(scope = "instance")]
    fn no_self(a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", persist = "cache/a")]
    fn on_disk(&self, a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", key = a, instances = "shared")]
    fn shared<T: Into<u32> + Copy + serde::Serialize>(&self, a: T) -> u32 {
        a.into()
    }

    #[memoize(scope = "instance", advise)]
    fn advised(&self, a: u32) -> u32 {
        a
    }

    #[memoize(cache = self.cache)]
    fn no_scope(&self, a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", cache = CACHE)]
    fn elsewhere(&self, a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", cache = "self.cache")]
    fn quoted(&self, a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", ttl = "1s", stale = "1s", spawn = std::thread::spawn)]
    fn borrowed(&self, a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", ttl = "1s", stale = "1s", spawn = std::thread::spawn)]
    fn owned(self: Arc<Self>, a: u32) -> u32 {
        a
    }
}

fn main() {}

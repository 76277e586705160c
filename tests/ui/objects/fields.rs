use memokit::memoize;
use std::collections::HashMap;

struct Missing {
    caches: memokit::Cache,
}

impl Missing {
    #[memoize(scope = "instance")]
    fn missing(&self, a: u32) -> u32 {
        a
    }
}

struct Other {
    cache: HashMap<u32, u32>,
    state: Option<memokit::Cache>,
}

impl Other {
    #[memoize(scope = "instance")]
    fn other(&self, a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", cache = self.state)]
    fn optional(&self, a: u32) -> u32 {
        a
    }

    #[memoize(scope = "instance", cache = self.sate)]
    async fn mistyped(&self, a: u32) -> u32 {
        a
    }
}

fn main() {}

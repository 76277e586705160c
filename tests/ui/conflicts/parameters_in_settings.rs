use memokit::memoize;

#[memoize(max = size, ttl = std::time::Duration::from_secs(u64::from(size)))]
fn bounded(size: usize) -> usize {
    size
}

#[memoize(persist = format!("cache/{}", name))]
fn stored(name: &str) -> String {
    name.to_owned()
}

#[memoize(persist = format!("cache/{a}"))]
fn folder(a: u32) -> u32 {
    a
}

fn main() {}

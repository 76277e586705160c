use memokit::memoize;

// Arguments of the crate `cached`.
#[memoize(result = true, sync_writes = "by_key", with_cached_flag = true, time_refresh = true)]
fn cached(symbol: u32) -> u32 {
    symbol
}

#[memoize(ty = "SizedCache<u32, u32>", create = "{ SizedCache::with_size(5) }", convert = "{ symbol }")]
fn made(symbol: u32) -> u32 {
    symbol
}

#[memoize(ttl_secs = 60, ttl_millis = 5, max_size = 100, force_refresh = { symbol > 5 }, unsync_reads = true)]
fn renamed(symbol: u32) -> u32 {
    symbol
}

#[memoize(expires = true, companions_vis = "pub")]
fn per_value(symbol: u32) -> u32 {
    symbol
}

// Arguments of the crate `memoize`.
#[memoize(Capacity: 10, TimeToLive: Duration::from_secs(5), SharedCache, Ignore: client)]
fn colons(client: u32, symbol: u32) -> u32 {
    client + symbol
}

// A name that resembles no argument of memokit.
#[memoize(tag = "users")]
fn tagged(symbol: u32) -> u32 {
    symbol
}

fn main() {}

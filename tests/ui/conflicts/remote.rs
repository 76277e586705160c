use memokit::memoize;

#[memoize(write = "through", remote_limit = "1s", stale_while_disconnected = "30s")]
fn no_tier() {}

#[memoize(codec = memokit::codec::Json)]
fn nothing_stored() {}

#[memoize(scope = "thread", remote = redis())]
fn page(id: u32) -> u32 {
    id
}

#[memoize(remote = redis())]
fn borrowed(n: u8) -> &'static str {
    if n == 0 { "none" } else { "some" }
}

#[memoize(remote = redis(), persist = "words")]
fn borrowed_from_both(n: u8) -> &'static str {
    if n == 0 { "none" } else { "some" }
}

#[memoize(remote = redis())]
fn generic<T: serde::Serialize + Clone + Send + Sync + 'static>(value: T) -> Vec<T> {
    vec![value]
}

#[memoize(remote = of(tenant), remote_limit = self.limit)]
fn of_one(&self, tenant: u32) -> u32 {
    tenant
}

fn main() {}

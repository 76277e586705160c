use memokit::memoize;

#[memoize(remote = "redis://localhost")]
fn address() {}

#[memoize(remote)]
fn nothing() {}

#[memoize(remote = redis(), write = "trough")]
fn slip() {}

#[memoize(remote = redis(), write = through)]
fn unquoted() {}

#[memoize(remote = redis(), write = "back")]
fn stranger() {}

#[memoize(remote = redis(), remote_limit = 100)]
fn no_unit() {}

#[memoize(remote = redis(), remote_limit = "0s")]
fn zero() {}

#[memoize(remote = redis(), stale_while_disconnected = "soon")]
fn word() {}

#[memoize(redis = true, write_through = true, remote_timeout = "1s")]
fn other_names() {}

fn main() {}

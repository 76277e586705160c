use memokit::memoize;

#[memoize(jitter = 2.0)]
fn jitter() {}

#[memoize(jitter = -0.5)]
fn negative() {}

#[memoize(jitter = "10%")]
fn text() {}

#[memoize(verify = 100)]
fn verify() {}

#[memoize(ttl = "1m", refresh_ahead = 1.5)]
fn refresh_ahead() {}

#[memoize(ttl = 0)]
fn ttl() {}

#[memoize(ttl = "-5s")]
fn before() {}

#[memoize(max = 0x0)]
fn none() {}

fn main() {}

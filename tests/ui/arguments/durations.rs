use memokit::memoize;

#[memoize(ttl = "soon")]
fn word() {}

#[memoize(ttl = "30")]
fn no_unit() {}

#[memoize(ttl = 30)]
fn number() {}

#[memoize(ttl = "1.5s")]
fn fraction() {}

#[memoize(ttl = "10 minutes")]
fn long_unit() {}

#[memoize(ttl = "30m 1h")]
fn wrong_order() {}

#[memoize(ttl = "0s")]
fn zero() {}

#[memoize(cache_err = "0ms")]
fn zero_for_errors() -> Result<(), ()> {
    Ok(())
}

#[memoize(ttl = "Duration::from_secs(60)")]
fn code_in_quotes() {}

#[memoize(cache_err = true)]
fn switch() -> Result<(), ()> {
    Ok(())
}

#[memoize(ttl = "")]
fn empty() {}

fn main() {}

use memokit::memoize;

#[memoize(max_bytes = "64 MB?")]
fn question() {}

#[memoize(max_bytes = "64M")]
fn unit() {}

#[memoize(max_bytes = "1.5GiB")]
fn fraction() {}

#[memoize(max_bytes = "4096")]
fn quoted() {}

#[memoize(max_bytes = "0B")]
fn none() {}

#[memoize(max_bytes = 0.5)]
fn share() {}

#[memoize(max_bytes)]
fn alone() {}

#[memoize(max_bytes = "1MiB", weigh = "len")]
fn quoted_function() {}

fn main() {}

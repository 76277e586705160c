use memokit::memoize;

#[memoize(shards = 3)]
fn odd() {}

#[memoize(shards = 0)]
fn none() {}

#[memoize(shards = 1_000_000)]
fn too_many() {}

#[memoize(shards = "8")]
fn quoted() {}

#[memoize(shards)]
fn alone() {}

#[memoize(max = 4, shards = 8)]
fn more_than_entries() {}

#[memoize(persist = "~/cache")]
fn at_home() {}

fn main() {}

use memokit::memoize;

#[memoize(max = 0)]
fn none() {}

#[memoize(max = "1000")]
fn quoted() {}

#[memoize(max = 1.5)]
fn fraction() {}

#[memoize(max = -1)]
fn negative() {}

#[memoize(max)]
fn alone() {}

#[memoize(max(5))]
fn called() {}

fn main() {}

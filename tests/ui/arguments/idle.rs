use memokit::memoize;

#[memoize(idle)]
fn alone() {}

#[memoize(idle = "0s")]
fn none() {}

#[memoize(idle = 30)]
fn without_unit() {}

#[memoize(time_to_idle = "30s")]
fn other_name() {}

fn main() {}

use memokit::{Departure, Key, memoize};

#[memoize(on_evict)]
fn alone() {}

#[memoize(on_evict = "log")]
fn quoted() {}

#[memoize(eviction_listener = log)]
fn other_crates() {}

#[memoize(on_evict = to(limit))]
fn of_an_argument(limit: usize) -> usize {
    limit
}

#[memoize(on_evict = self.log)]
fn of_an_object(&self) -> usize {
    1
}

fn to(_: usize) -> fn(&Key, &usize, Departure) {
    |_, _, _| ()
}

fn main() {}

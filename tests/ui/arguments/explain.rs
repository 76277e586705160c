use memokit::memoize;

#[memoize(explain = 0)]
fn none() {}

#[memoize(explain = "1000")]
fn quoted() {}

#[memoize(explain = true)]
fn switched_on() {}

#[memoize(explain = n)]
fn of_an_argument(n: usize) -> usize {
    n
}

fn main() {}

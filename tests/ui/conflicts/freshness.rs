use memokit::memoize;

#[memoize(stale = "1m", refresh_ahead = 0.8)]
fn without_an_end(a: u32) -> u32 {
    a
}

#[memoize(ttl = "1m", stale = Self::STALE, wait_limit = self.limit)]
fn of_one(&self, a: u32) -> u32 {
    a
}

#[memoize(ttl = "1m", stale = "never", refresh_ahead = 2, wait_limit = 5)]
fn unreadable(a: u32) -> u32 {
    a
}

fn main() {}

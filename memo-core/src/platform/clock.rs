//! Time: a coarse monotonic clock inside the process, the wall clock for what is written to disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds of the coarse monotonic clock.
pub(crate) type Millis = u64;

/// Never comes.
pub(crate) const NEVER: Millis = Millis::MAX;

/// How far [`now`] may be behind.
pub(crate) const LAG: Millis = if cfg!(target_os = "linux") { 10 } else { 1 };

/// Milliseconds of the monotonic clock. On Linux the coarse one, which ticks every 1 to 10 ms and costs a fraction of
/// `Instant::now`.
#[cfg(not(test))]
#[inline]
pub(crate) fn now() -> Millis {
    monotonic()
}

#[cfg(test)]
pub(crate) fn now() -> Millis {
    monotonic() + steps::ahead()
}

#[inline]
fn monotonic() -> Millis {
    #[cfg(target_os = "linux")]
    {
        crate::platform::os::coarse_millis()
    }
    #[cfg(not(target_os = "linux"))]
    {
        nanos() / 1_000_000
    }
}

/// Nanoseconds of the exact monotonic clock.
#[inline]
fn nanos() -> u64 {
    #[cfg(target_os = "linux")]
    {
        crate::platform::os::nanos()
    }
    #[cfg(not(target_os = "linux"))]
    {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        let start = START.get_or_init(std::time::Instant::now);
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// How long something took, by the exact clock or by the coarse one: the latter is off by a tick in each case, and right
/// on average.
pub(crate) struct Stopwatch {
    began: u64,
    coarse: bool,
}

impl Stopwatch {
    #[inline]
    pub(crate) fn start(coarse: bool) -> Self {
        Self { began: if coarse { now() } else { nanos() }, coarse }
    }

    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        if self.coarse {
            now().saturating_sub(self.began).saturating_mul(1_000_000)
        } else {
            nanos().saturating_sub(self.began)
        }
    }
}

/// Whole milliseconds, rounded up: an entry lives no shorter than asked.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER)
}

/// Milliseconds since 1970 by the wall clock as it was at first use, and by the monotonic one since: a clock that is
/// set while the process runs makes no difference to it.
pub(crate) fn wall() -> u64 {
    let (then, wall) = anchor();
    wall.saturating_add(now().saturating_sub(then))
}

/// Milliseconds since 1970; 0 before.
fn system() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

#[cfg(not(test))]
fn anchor() -> (Millis, u64) {
    static ANCHOR: std::sync::OnceLock<(Millis, u64)> = std::sync::OnceLock::new();
    *ANCHOR.get_or_init(|| (now(), system()))
}

#[cfg(test)]
use steps::anchor;

/// Each thread is a process to its test.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    use super::{Millis, now, system};

    thread_local! {
        static ANCHOR: Cell<Option<(Millis, u64)>> = const { Cell::new(None) };
        static AHEAD: Cell<Millis> = const { Cell::new(0) };
    }

    /// Lets so much time pass for this thread.
    pub(crate) fn pass(time: Millis) {
        AHEAD.set(AHEAD.get() + time);
    }

    pub(super) fn ahead() -> Millis {
        AHEAD.try_with(Cell::get).unwrap_or_default()
    }

    pub(super) fn anchor() -> (Millis, u64) {
        ANCHOR.get().unwrap_or_else(|| set(0))
    }

    /// As a process that starts while the clock is wrong by so many milliseconds.
    pub(crate) fn set(wrong: i64) -> (Millis, u64) {
        let anchor = (now(), system().saturating_add_signed(wrong));
        ANCHOR.set(Some(anchor));
        anchor
    }
}

//! Time: a coarse monotonic clock for entries in memory, and the wall clock for data that is written to disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds of the coarse monotonic clock.
pub(crate) type Millis = u64;

/// A time that is never reached.
pub(crate) const NEVER: Millis = Millis::MAX;

/// How far [`now`] may be behind the exact time, in milliseconds.
pub(crate) const LAG: Millis = if cfg!(target_os = "linux") { 10 } else { 1 };

/// Returns the milliseconds of the monotonic clock. On Linux this is the coarse clock, which ticks every 1 to 10 ms and
/// costs a fraction of `Instant::now`.
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

/// Returns the nanoseconds of the exact monotonic clock.
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

/// Measures a duration by the exact clock or by the coarse one. A duration by the coarse clock is off by up to a tick,
/// and right on average.
pub(crate) struct Stopwatch {
    /// In nanoseconds; if `coarse`, in milliseconds.
    began: u64,
    coarse: bool,
}

impl Stopwatch {
    #[inline]
    pub(crate) fn start(coarse: bool) -> Self {
        Self { began: if coarse { now() } else { nanos() }, coarse }
    }

    pub(crate) fn is_coarse(&self) -> bool {
        self.coarse
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

/// Returns `duration` in milliseconds, rounded up so that an entry does not expire too early.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER)
}

/// Returns the milliseconds since 1970. It reads the wall clock at the first call and adds the time of the monotonic
/// clock since then. So a change of the wall clock while the process runs has no effect.
pub(crate) fn wall() -> u64 {
    let (monotonic, wall) = anchor();
    wall.saturating_add(now().saturating_sub(monotonic))
}

/// Returns the milliseconds since 1970 by the wall clock, or 0 if it shows an earlier time.
fn system() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// Returns the times of the monotonic clock and of the wall clock at the first call.
#[cfg(not(test))]
fn anchor() -> (Millis, u64) {
    static ANCHOR: std::sync::OnceLock<(Millis, u64)> = std::sync::OnceLock::new();
    *ANCHOR.get_or_init(|| (now(), system()))
}

#[cfg(test)]
use steps::anchor;

/// Simulates the passage of time and a wrong wall clock, for each thread on its own: a test's thread stands for a
/// process.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    use super::{Millis, now, system};

    thread_local! {
        static ANCHOR: Cell<Option<(Millis, u64)>> = const { Cell::new(None) };
        static AHEAD: Cell<Millis> = const { Cell::new(0) };
    }

    /// Advances the clock of this thread by `duration`.
    pub(crate) fn pass(duration: Millis) {
        AHEAD.set(AHEAD.get() + duration);
    }

    pub(super) fn ahead() -> Millis {
        AHEAD.try_with(Cell::get).unwrap_or_default()
    }

    pub(super) fn anchor() -> (Millis, u64) {
        ANCHOR.get().unwrap_or_else(|| set(0))
    }

    /// Simulates the start of a process while the wall clock is wrong by `error` milliseconds.
    pub(crate) fn set(error: i64) -> (Millis, u64) {
        let anchor = (now(), system().saturating_add_signed(error));
        ANCHOR.set(Some(anchor));
        anchor
    }
}

//! Time: a coarse monotonic clock inside the process, the wall clock for what is written to disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds of the coarse monotonic clock.
pub(crate) type Millis = u64;

/// Never comes.
pub(crate) const NEVER: Millis = Millis::MAX;

/// Milliseconds of the monotonic clock. On Linux the coarse one, which ticks every 1 to 10 ms and costs a fraction of
/// `Instant::now`.
#[inline]
pub(crate) fn now() -> Millis {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        // The monotonic clock counts up from boot: neither part is negative.
        time.tv_sec.unsigned_abs() * 1000 + time.tv_nsec.unsigned_abs() / 1_000_000
    }
    #[cfg(not(target_os = "linux"))]
    {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        millis(START.get_or_init(std::time::Instant::now).elapsed())
    }
}

/// Whole milliseconds, rounded up: an entry lives no shorter than asked.
pub(crate) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER)
}

/// Milliseconds since 1970 by the wall clock; 0 before.
pub(crate) fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

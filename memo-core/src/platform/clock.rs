//! Time: a monotonic clock for entries in memory, and the wall clock for data that is written to disk.

use std::sync::OnceLock;
#[cfg(any(target_os = "linux", test))]
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) use std::time::Instant;
// There the one of the standard library panics, and this one asks the host.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use web_time::Instant;

/// Milliseconds of the monotonic clock.
pub(crate) type Millis = u64;

/// A time that is never reached.
pub(crate) const NEVER: Millis = Millis::MAX;

/// What the clock shows when the machine starts, or the process: 398 days. So a result from disk may have expired
/// before that, and still has an expiry time.
const START: Millis = 1 << 35;

/// How far [`now`] may be behind the exact time, in milliseconds.
pub(crate) const LAG: Millis = if cfg!(target_os = "linux") { 10 } else { 1 };

/// Returns the milliseconds of a monotonic clock that counts the time in which the machine sleeps. On Linux it is read
/// from the coarse clock, which ticks every 1 to 10 ms and costs a fraction of `Instant::now`; there a sleep is noticed
/// up to [`CHECK_PERIOD`] after its end.
#[cfg(not(test))]
#[inline]
pub(crate) fn now() -> Millis {
    #[cfg(feature = "test-util")]
    {
        crate::platform::moved_clock::shown(real())
    }
    #[cfg(not(feature = "test-util"))]
    {
        real()
    }
}

/// Returns the same, by the clock that no test moves.
#[cfg(not(test))]
#[inline]
pub(crate) fn real() -> Millis {
    #[cfg(target_os = "linux")]
    {
        static SLEEP: Sleep = Sleep::new();
        SLEEP.add_to(awake())
    }
    #[cfg(not(target_os = "linux"))]
    {
        awake()
    }
}

/// Returns the time by which waits end.
#[cfg(not(test))]
#[inline]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Returns whether a simulation has stopped the clocks of this thread. Then nothing happens by itself.
#[cfg(not(test))]
#[inline]
pub(crate) fn is_stopped() -> bool {
    false
}

#[cfg(test)]
pub(crate) use steps::{instant, is_stopped, now, now as real};

/// Returns the milliseconds of the monotonic clock. On Linux it stops while the machine sleeps.
#[inline]
fn awake() -> Millis {
    #[cfg(target_os = "linux")]
    {
        START + crate::platform::os::coarse_millis()
    }
    #[cfg(not(target_os = "linux"))]
    {
        START + nanos() / 1_000_000
    }
}

/// How much time awake passes between two looks at how long the machine slept, in milliseconds.
#[cfg(any(target_os = "linux", test))]
const CHECK_PERIOD: Millis = 100;

/// How long the machine has slept since the first use, as of the last check. The first reader of the clock after the
/// end of a period checks, so that a hit needs no second clock.
#[cfg(any(target_os = "linux", test))]
struct Sleep {
    /// In milliseconds. It only grows, so that [`now`] never goes back.
    total: AtomicU64,
    /// The time awake from which the next check is due.
    next_check: AtomicU64,
    /// In nanoseconds, by how much the clock with sleep was ahead of the one without at the first use.
    before: OnceLock<u64>,
}

#[cfg(any(target_os = "linux", test))]
impl Sleep {
    const fn new() -> Self {
        let (total, next_check) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { total, next_check, before: OnceLock::new() }
    }

    #[inline]
    fn add_to(&self, awake: Millis) -> Millis {
        if awake >= self.next_check.load(Relaxed) {
            self.check(awake);
        }
        awake + self.total.load(Relaxed)
    }

    #[cold]
    #[inline(never)]
    fn check(&self, awake: Millis) {
        let (before, with_sleep, after) = (nanos(), nanos_with_sleep(), nanos());
        // However long this thread is interrupted between two readings, the sleep counts as shorter than it was, and
        // never as longer: no entry expires early.
        let at_first = *self.before.get_or_init(|| with_sleep.saturating_sub(before));
        let slept = with_sleep.saturating_sub(after).saturating_sub(at_first);
        self.total.fetch_max(slept / 1_000_000, Relaxed);
        self.next_check.store(awake + CHECK_PERIOD, Relaxed);
    }
}

#[cfg(all(target_os = "linux", not(test)))]
use crate::platform::os::nanos_with_sleep;

/// Returns the nanoseconds of the exact monotonic clock.
#[inline]
fn nanos() -> u64 {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        crate::platform::os::nanos()
    }
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    {
        static START: OnceLock<Instant> = OnceLock::new();
        let start = START.get_or_init(Instant::now);
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Measures a duration by the exact clock or by the coarse one. A duration by the coarse clock is off by up to a tick,
/// and right on average. On Linux neither counts the time in which the machine sleeps.
pub(crate) struct Stopwatch {
    /// In nanoseconds; if `coarse`, in milliseconds.
    began: u64,
    coarse: bool,
}

impl Stopwatch {
    #[inline]
    pub(crate) fn start(coarse: bool) -> Self {
        Self { began: if coarse { awake() } else { nanos() }, coarse }
    }

    pub(crate) fn is_coarse(&self) -> bool {
        self.coarse
    }

    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        if self.coarse {
            awake().saturating_sub(self.began).saturating_mul(1_000_000)
        } else {
            nanos().saturating_sub(self.began)
        }
    }
}

/// Returns `duration` in milliseconds, rounded up so that an entry does not expire too early.
pub(crate) fn millis(duration: Duration) -> Millis {
    let rest = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
    duration.as_secs().checked_mul(1000).and_then(|all| all.checked_add(rest)).unwrap_or(NEVER)
}

/// Returns the milliseconds since 1970. It reads the wall clock at the first call and adds the time of the monotonic
/// clock since then. So a change of the wall clock while the process runs has no effect.
pub(crate) fn wall() -> u64 {
    let (monotonic, wall) = anchor();
    wall.saturating_add(now().saturating_sub(monotonic))
}

/// Returns the milliseconds since 1970 by the wall clock, or 0 if it shows an earlier time.
fn system() -> u64 {
    system_time().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// Returns the time of the wall clock.
pub(crate) fn system_time() -> SystemTime {
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    {
        SystemTime::now()
    }
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    {
        web_time::web::SystemTimeExt::to_std(web_time::SystemTime::now())
    }
}

/// Returns the times of the monotonic clock and of the wall clock at the first call.
#[cfg(not(test))]
fn anchor() -> (Millis, u64) {
    static ANCHOR: OnceLock<(Millis, u64)> = OnceLock::new();
    *ANCHOR.get_or_init(|| (real(), system()))
}

#[cfg(test)]
use steps::{anchor, nanos_with_sleep};

/// Simulates the passage of time and a wrong wall clock, for each thread on its own: a test's thread stands for a
/// process.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;
    use std::time::Duration;

    use super::{Instant, Millis, Sleep, awake, system};

    thread_local! {
        static SLEEP: Sleep = const { Sleep::new() };
        static ASLEEP: Cell<Millis> = const { Cell::new(0) };
        static ANCHOR: Cell<Option<(Millis, u64)>> = const { Cell::new(None) };
        static AHEAD: Cell<Millis> = const { Cell::new(0) };
        static STOPPED: Cell<Option<(Instant, Millis)>> = const { Cell::new(None) };
    }

    /// Stops the clocks of this thread: only [`pass`] advances them. A wait for others, who could do nothing meanwhile,
    /// ends at once if its deadline is not after now.
    pub(crate) fn stop() {
        STOPPED.set(Some((Instant::now(), awake())));
    }

    pub(crate) fn is_stopped() -> bool {
        STOPPED.get().is_some()
    }

    pub(crate) fn instant() -> Instant {
        let passed = Duration::from_millis(AHEAD.get());
        STOPPED.get().map_or_else(Instant::now, |(stopped, _)| stopped + passed)
    }

    /// Advances the clock of this thread by `duration`.
    pub(crate) fn pass(duration: Millis) {
        AHEAD.set(AHEAD.get() + duration);
    }

    /// Lets the machine sleep for `duration`, as this thread sees it.
    pub(crate) fn sleep(duration: Millis) {
        ASLEEP.set(ASLEEP.get() + duration);
    }

    pub(crate) fn now() -> Millis {
        let awake = STOPPED.get().map_or_else(awake, |(_, stopped)| stopped) + AHEAD.get();
        // A thread that is ending has no clock of its own any more.
        SLEEP.try_with(|sleep| sleep.add_to(awake)).unwrap_or(awake)
    }

    pub(super) fn nanos_with_sleep() -> u64 {
        #[cfg(target_os = "linux")]
        let real = crate::platform::os::nanos_with_sleep();
        #[cfg(not(target_os = "linux"))]
        let real = super::nanos();
        real + ASLEEP.get() * 1_000_000
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;

    #[test]
    fn the_time_asleep_counts() {
        let (began, wall_began) = (now(), wall());
        steps::sleep(HOUR);
        steps::pass(CHECK_PERIOD);
        assert!((HOUR..2 * HOUR).contains(&(now() - began)));
        assert!((HOUR..2 * HOUR).contains(&(wall() - wall_began)));
    }

    #[test]
    fn sleep_before_the_first_use_does_not_count() {
        steps::sleep(HOUR);
        let began = now();
        steps::pass(CHECK_PERIOD);
        assert!(now() - began < HOUR);
    }

    #[test]
    fn a_computation_does_not_take_the_time_asleep() {
        for coarse in [true, false] {
            let watch = Stopwatch::start(coarse);
            steps::sleep(HOUR);
            steps::pass(CHECK_PERIOD);
            now();
            assert!(watch.nanos() < HOUR * 1_000_000);
        }
    }
}

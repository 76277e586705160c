//! Times of results by the wall clock, as they are stored, and by the monotonic clock, as memory has them.

use crate::cache::entry::Lifetime;
use crate::persist::WallMillis;
use crate::platform::clock::{self, Millis, NEVER};

/// Returns the lifetime of a stored value. `now`: by the wall clock. `None`: it has expired, and that `stale`
/// milliseconds ago or before.
pub(crate) fn lifetime(
    created: WallMillis,
    expires: Option<WallMillis>,
    now: WallMillis,
    stale: Millis,
) -> Option<Lifetime> {
    let computed = Some(created.min(now));
    // What comes from the future, by the clock of another process, has one time to live left.
    let now = now.max(created);
    let expires = match expires {
        None => NEVER,
        Some(at) if at > now => clock::now().saturating_add(at - now),
        Some(at) if now - at < stale => clock::now().checked_sub(now - at)?,
        Some(_) => return None,
    };
    Some(Lifetime { computed, expires })
}

/// Returns when a value expires by the wall clock, which shows `now`. `None`: never.
pub(crate) fn expiry(lifetime: Lifetime, now: WallMillis) -> Option<WallMillis> {
    let (at, here) = (lifetime.expires, clock::now());
    let by_wall = now.saturating_add(at.saturating_sub(here));
    (at != NEVER).then(|| by_wall.saturating_sub(here.saturating_sub(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_the_same_when_it_is_read() {
        const NOW: WallMillis = 1_700_000_000_000;
        const DAY: Millis = 86_400_000;
        clock::steps::stop();
        for (left, stale, is_read) in [
            (Some(5), 0, true),
            (Some(0), 0, false),
            (Some(0), 1, true),
            (Some(-5), 5, false),
            (Some(-5), 6, true),
            // Before this machine was started.
            (Some(-100 * DAY.cast_signed()), NEVER, true),
            (None, 0, true),
        ] {
            let end = |now: u64| left.map(|left: i64| now.saturating_add_signed(left));
            let read = lifetime(NOW - 7, end(NOW), NOW, stale);
            let expires = end(clock::now()).unwrap_or(NEVER);
            let computed = Some(NOW - 7);
            assert_eq!(read, is_read.then_some(Lifetime { computed, expires }), "{left:?}");
            assert_eq!(expiry(Lifetime { computed, expires }, NOW), end(NOW), "{left:?}");
        }
    }

    #[test]
    fn what_comes_from_the_future_has_one_time_to_live_left() {
        clock::steps::stop();
        let read = lifetime(1_000_000, Some(1_000_500), 3, 0).unwrap();
        assert_eq!(read, Lifetime { computed: Some(3), expires: clock::now() + 500 });
    }
}

//! What memory knows of one key, for an explanation. It is not on the way of any call.

use super::departures::Departed;
use super::expiry::Age;
use super::sharded::ShardedCache;
use super::table::ReadGuard;
use crate::epoch::participant::pin;
use crate::key::{self, KeyBytes};
use crate::platform::clock::{self, Millis, NEVER};
use crate::single_flight::flight::Claim;
use crate::statistics::explanation::Cause;

/// How a key stands in memory.
pub(crate) enum Standing {
    Held {
        /// When the value was computed, in milliseconds since 1970.
        computed: Option<u64>,
        /// How long it lives still.
        left: Option<Millis>,
    },
    /// The time of the entry has ended.
    Over {
        ago: Millis,
        /// How long it is still served.
        stale_for: Option<Millis>,
    },
    /// One of the tags of the entry was invalidated.
    TagInvalidated,
    Computing,
    Absent,
}

/// An entry that may be served.
pub(crate) struct Servable<H> {
    pub(crate) held: H,
    /// When the value was computed, in milliseconds since 1970.
    pub(crate) computed: Option<u64>,
    /// How long it is still served, or [`NEVER`] if without an end.
    pub(crate) left: Millis,
    /// `None` if entries have no weights.
    pub(crate) weight: Option<u64>,
    /// Its time to live has ended.
    pub(crate) is_stale: bool,
}

impl<H: Clone> ShardedCache<H> {
    /// Returns the entry of `key`, without marking it as used. `renewable`: whether a value is served when it is stale.
    pub(crate) fn servable(
        &self,
        hash: u64,
        key: &[u8],
        renewable: impl Fn(&H) -> bool,
    ) -> Option<Servable<H>> {
        let pin = pin();
        let guard = ReadGuard::of_pin(&pin);
        let entry = self.shard(hash).find(guard, hash, |stored| key::same_key(stored, key))?;
        let (is_stale, end) = match self.expiry.age(entry, renewable) {
            Age::Expired => return None,
            Age::Stale => (true, self.expiry.unservable_from(entry)),
            Age::Due | Age::Fresh => (false, self.expiry.end(entry)),
        };
        let left = if end == NEVER { NEVER } else { end.saturating_sub(clock::now()) };
        let weight = self.max_bytes().map(|_| entry.weight());
        let computed = entry.lifetime().computed;
        Some(Servable { held: entry.held().clone(), computed, left, weight, is_stale })
    }

    pub(crate) fn standing(&self, hash: u64, key: &[u8]) -> Standing {
        let mut shard = self.shard(hash).lock();
        if let Some(entry) = shard.find(hash, key) {
            if entry.has_ended() {
                return Standing::TagInvalidated;
            }
            let now = clock::now();
            let (end, last) = (self.expiry.end(entry), self.expiry.unservable_from(entry));
            if end > now {
                let left = (end != NEVER).then(|| end - now);
                return Standing::Held { computed: entry.lifetime().computed, left };
            }
            let stale_for = last.checked_sub(now).filter(|left| *left > 0);
            return Standing::Over { ago: now - end, stale_for };
        }
        if shard.claims().has(hash, key) { Standing::Computing } else { Standing::Absent }
    }

    /// Returns why a key that is not held has left.
    pub(crate) fn departed(&self, hash: u64, key: &[u8]) -> Departed {
        let departures = self.departures.as_ref();
        departures.map_or(Departed::Unknown(0), |departures| departures.last(hash, key.len()))
    }

    /// Notes why the key is not held, if departures are remembered.
    pub(super) fn note_departure(&self, hash: u64, key_len: usize, cause: Cause) {
        if let Some(departures) = &self.departures {
            departures.note(hash, key_len, cause);
        }
    }

    /// Notes why the result of a claim is not kept, unless its key was invalidated.
    pub(crate) fn note_refusal(&self, claim: Claim, cause: Cause) {
        let Some(departures) = &self.departures else { return };
        let shard = self.shard(claim.hash).lock();
        if let Some(claimed) = shard.valid_claim(claim) {
            departures.note(claim.hash, claimed.draft.key().len(), cause);
        }
    }

    /// Returns the keys of all entries, of whatever age, and those that are being computed.
    pub(crate) fn all_keys(&self) -> Vec<KeyBytes> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            keys.extend(shard.entries().map(|(_, entry)| KeyBytes::new(entry.key())));
            keys.extend(shard.claimed().map(|claimed| KeyBytes::new(claimed.draft.key())));
        }
        keys
    }

    /// Returns some of the keys that are held: at most so many, and at most about so many bytes.
    pub(crate) fn held_keys(&self, most: usize, bytes: usize) -> Vec<KeyBytes> {
        let (mut keys, mut left) = (Vec::new(), bytes);
        for shard in &self.shards {
            shard.visit(1, |entry| {
                if keys.len() < most && left > 0 {
                    left = left.saturating_sub(entry.key().len());
                    keys.push(KeyBytes::new(entry.key()));
                }
                keys.len() < most && left > 0
            });
        }
        keys
    }
}

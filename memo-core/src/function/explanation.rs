//! Explains how a key stands in a function's cache.

use std::time::Duration;

use crate::cache::departures::Departed;
use crate::cache::standing::Standing;
use crate::function::function_cache::FunctionCache;
use crate::key::difference::{self, Difference};
use crate::platform::clock::{self, Millis};
use crate::single_flight::flight::Claim;
use crate::statistics::explanation::{Cause, Explanation, Refusal};
use crate::value::keep::Keep;

/// Of the keys that are held, at most so many are compared with one that is not, and so many bytes.
const MOST_KEYS: usize = 1000;
const MOST_BYTES: usize = 4 << 20;

impl<K: Keep> FunctionCache<K> {
    /// Explains how a key stands. Does not look into a tier. Counts nothing, and marks nothing as used.
    pub(crate) fn explain(&self, hash: u64, key: &[u8]) -> Explanation {
        self.follow();
        match self.memory.standing(hash, key) {
            Standing::Held { computed, left } => {
                let age = computed.map(|computed| clock::wall().saturating_sub(computed));
                Explanation::Held { age: age.map(time), left: left.map(time) }
            }
            Standing::Over { ago, stale_for } => {
                Explanation::Over { ago: time(ago), stale_for: stale_for.map(time) }
            }
            Standing::TagInvalidated => Explanation::TagInvalidated,
            Standing::Computing => Explanation::Computing,
            Standing::Absent => self.explain_absence(hash, key),
        }
    }

    fn explain_absence(&self, hash: u64, key: &[u8]) -> Explanation {
        let stored = self.storage.as_ref().and_then(|storage| storage.explain(self, key));
        if let Some(stored) = stored {
            return stored;
        }
        let unknown = match self.memory.departed(hash, key) {
            Departed::Left(cause, ago) => return cause.explained(time(ago)),
            Departed::Never => Explanation::NeverSeen,
            Departed::Unknown(departures) => Explanation::NotRemembered { departures },
        };
        self.similar(key).unwrap_or(unknown)
    }

    /// Looks for a key that is nearly the same.
    fn similar(&self, key: &[u8]) -> Option<Explanation> {
        let held = self.memory.held_keys(MOST_KEYS, MOST_BYTES);
        let found = difference::nearest(key, held.iter().map(|key| key.as_slice()))?;
        let Difference { place, asked, held, others } = found;
        let argument = match self.argument_names.get(place) {
            Some(name) => format!("`{name}`"),
            None => (place + 1).to_string(),
        };
        Some(Explanation::Similar { argument, asked, held, others })
    }

    /// Notes that the result of a claim is not kept, unless its key was invalidated.
    pub(in crate::function) fn note_refusal(&self, claim: Claim, why: Refusal) {
        self.memory.note_refusal(claim, Cause::NotKept(why));
    }
}

fn time(millis: Millis) -> Duration {
    Duration::from_millis(millis)
}

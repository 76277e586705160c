//! Writes results to the directory of a cache: a new one, before any reader can see it, or all that memory holds.

use std::time::Duration;

use crate::error::Error;
use crate::function::directory::Directory;
use crate::function::encoding::Encoded;
use crate::function::function_cache::{FunctionCache, Made, NewResult, Storage as _};
use crate::function::opening::maintain_soon;
use crate::persist::{Cost, MAX_ATTEMPTS, Store, tag_bytes};
use crate::platform::maintenance::CACHES;
use crate::single_flight::flight::Claim;
use crate::value::holder::Holder;
use crate::value::keep::Keep;

/// The longest that a write waits when writers outpace the compaction, so that the disk does not fill up.
const MAX_COMPACTION_WAIT: Duration = Duration::from_millis(40);

impl<K: Keep> Directory<K> {
    /// See [`Storage::write`](crate::function::function_cache::Storage::write).
    pub(crate) fn write_result(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        result: &NewResult<'_, K::Held>,
    ) {
        let replaces = result.made.replaces();
        // A value that cannot be written stays in memory. Each step counts its own failure.
        let Ok(store) = self.begin(function) else {
            self.unsettled.note_values();
            if replaces {
                self.unsettled.note_removal();
            }
            return;
        };
        let Some(encoded) = self.disk.encode(&store, K::Holder::view(result.value)) else {
            self.remove_stored(function, claim, replaces);
            maintain_soon(function);
            return;
        };
        let replaces = self.queue_and_commit(function, claim, &store, result, encoded);
        self.note_missed(&store, replaces);
        function.maintain();
        if store.is_outgrown() {
            let pause = if store.is_overfull() { MAX_COMPACTION_WAIT } else { Duration::ZERO };
            CACHES.wake(pause);
        }
    }

    /// Notes that a result did not reach the directory, if that was removed or replaced since `store` was opened.
    fn note_missed(&self, store: &Store, replaces: bool) {
        if replaces && store.check().is_err() {
            // The directory may hold the older value.
            self.unsettled.note_removal();
        } else if !self.disk.is_open(store) {
            // Memory may have been written before the result was announced. (As long as it is open, memory is written
            // after it was closed.)
            self.unsettled.note_values();
        }
    }

    /// Queues a result and commits it, again as long as a snapshot overtakes it. Returns whether it replaces an older
    /// one.
    fn queue_and_commit(
        &self,
        function: &FunctionCache<K>,
        claim: Claim,
        store: &Store,
        result: &NewResult<'_, K::Held>,
        mut encoded: Encoded,
    ) -> bool {
        let NewResult { value, lifetime, made, since } = *result;
        let (mut replaces, cost) = (made.replaces(), Cost::of(made.time()));
        // A value from outside is newer than all that is being computed.
        let mut since = if made == Made::Inserted { u64::MAX } else { since };
        let tags = tag_bytes(&function.memory.tags_of(claim));
        for _ in 0..MAX_ATTEMPTS {
            let mut ticket = None;
            let pending = Some((value.clone(), lifetime));
            function.memory.announce(claim, pending, &mut |key, known| {
                let record = self.disk.put(key, &encoded, lifetime, cost, &tags);
                replaces |= known;
                let queue = if replaces { Store::queue_replacing } else { Store::queue };
                ticket = Some(queue(store, record, since));
            });
            let Some(ticket) = ticket else { break };
            encoded.queued(ticket);
            let committed = match replaces {
                true => store.commit_removal(ticket),
                false => store.commit(ticket),
            };
            // The removal that stands for a value that is too large may be overtaken too.
            if !store.is_overtaken(ticket) {
                if committed.is_ok() {
                    self.disk.failures.end();
                }
                break;
            }
            // A removal up to the horizon was committed, and may be one of this key: then the claim ends here. Or it is
            // committed again with a higher number. So the value must not count as newer than the horizon.
            let horizon = store.horizon();
            self.follow(function);
            since = since.max(horizon);
        }
        replaces
    }

    /// Writes the entries in memory that are not on disk. Entries do not know what they cost, so each record has the
    /// mean.
    pub(crate) fn rewrite(&self, function: &FunctionCache<K>, store: &Store) -> Result<(), Error> {
        let cost = Cost::of(function.mean_compute());
        let mut result = Ok(());
        for _ in 0..MAX_ATTEMPTS {
            // A removal that is committed from now on is newer than what is written here. Earlier ones end entries
            // here.
            let since = store.raise_horizon();
            self.follow(function);
            function.memory.for_each(&mut |entry| {
                let key = entry.key.as_slice();
                let is_missing = result.is_ok() && !matches!(store.has(key), Ok(true));
                let encode = || self.disk.encode(store, K::Holder::view(&entry.held));
                if let Some(mut encoded) = is_missing.then(encode).flatten() {
                    let tags = tag_bytes(&entry.tags);
                    let put = self.disk.put(key, &encoded, entry.lifetime, cost, &tags);
                    let ticket = store.queue(put, since);
                    encoded.queued(ticket);
                    result = store.commit(ticket);
                }
            });
            // What was written after another process began a snapshot may not be in it.
            if result.is_err() || store.horizon() <= since {
                break;
            }
        }
        result
    }
}

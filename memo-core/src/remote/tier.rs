//! A tier: a store with what this process knows of it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::breaker::Breaker;
use super::envelope::{Sealing, VERSION_END, version_of};
use super::error::StoreError;
use super::follower::{Follower, Followers};
use super::generations::{Asked, Generations};
use super::leases::Leases;
use super::link::Link;
use super::name::{self, Part};
use super::notices::Notices;
use super::options::TierOptions;
use super::own_writes::OwnWrites;
use super::pending::Pending;
use super::random::random;
use super::removals::{Removal, Removals};
use super::store::{Changed, Put, Store, Watcher};
use super::writes::{Writes, Written};
use crate::persist::WallMillis;
use crate::platform::clock::Instant;
use crate::platform::maintenance::{Maintain, Registration, TIERS};
use crate::platform::sync::usual::Mutex;
use crate::platform::{clock, fork};
use crate::tags;

/// How long the answer to a look at an entry is waited for.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// A store that machines share, behind memory and disk. The argument `remote` of `#[memoize]` takes one. Functions and
/// clones share the connection.
#[derive(Clone)]
pub struct Tier(pub(super) Arc<Parts>);

/// What a tier is made of.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) options: TierOptions,
    pub(super) link: Arc<Link>,
    pub(super) breaker: Breaker,
    pub(super) generations: Arc<Generations>,
    pub(super) notices: Arc<Notices>,
    pub(super) leases: Arc<Leases>,
    pub(super) removals: Arc<Removals>,
    pub(super) writes: Arc<Writes>,
    own_writes: OwnWrites,
    followers: Followers,
    /// The last failure of a request, until one succeeds.
    failure: Mutex<Option<StoreError>>,
    maintenance: Registration,
    /// Whether results with tags are kept here.
    has_tags: AtomicBool,
    /// The process that was ticked last. See [`fork::generation`].
    process: AtomicU64,
    this: Weak<Parts>,
}

impl Tier {
    /// Makes a tier on a store. Returns at once: the store connects behind.
    #[must_use]
    pub fn new(store: impl Store, options: TierOptions) -> Self {
        let tier = Self::unattended(store, options);
        let maintained: Weak<dyn Maintain> = Arc::downgrade(&tier.0) as _;
        tier.0.maintenance.begin(&TIERS, || maintained);
        tier
    }

    /// Makes a tier that the background thread does not tick.
    pub(crate) fn unattended(store: impl Store, options: TierOptions) -> Self {
        let store: Arc<dyn Store> = Arc::new(store);
        let link = Arc::new(Link::new());
        let generations = Arc::<Generations>::default();
        let (max, max_bytes) = (options.max_writes, options.max_write_bytes);
        let parts = Arc::new_cyclic(|this| Parts {
            this: Weak::clone(this),
            breaker: Breaker::new(options.max_failures, options.max_pause),
            generations: Arc::clone(&generations),
            notices: Arc::default(),
            leases: Arc::new(Leases::new(Arc::clone(&store), options.lease)),
            removals: Arc::new(Removals::new(Arc::clone(&store), generations.clone())),
            writes: Arc::new(Writes::new(Arc::clone(&store), Arc::clone(&link), max, max_bytes)),
            own_writes: OwnWrites::default(),
            followers: Followers::default(),
            failure: Mutex::default(),
            maintenance: Registration::new(),
            has_tags: AtomicBool::new(false),
            process: AtomicU64::new(fork::generation()),
            store,
            options,
            link,
        });
        let watcher: Weak<dyn Watcher> = Arc::downgrade(&parts) as _;
        parts.store.watch(&name::prefix(&parts.options.namespace), watcher);
        Self(parts)
    }

    /// Returns whether the store can be used.
    ///
    /// # Errors
    /// The reason why not: what the store says, or the last failure of a request if none has succeeded since.
    pub fn health(&self) -> Result<(), StoreError> {
        self.0.store.health()?;
        self.0.failure.lock().clone().map_or(Ok(()), Err)
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.0.options.namespace
    }

    pub(crate) fn sealing(&self) -> &Sealing {
        &self.0.options.sealing
    }

    pub(crate) fn read_limit(&self) -> Duration {
        self.0.options.read_limit
    }

    /// Tells `follower` of changes below `prefix`.
    pub(crate) fn follow(&self, prefix: &str, follower: Weak<dyn Follower>) {
        self.0.followers.add(prefix, follower);
    }

    /// Returns whether changes reach this process.
    pub(crate) fn is_up(&self) -> bool {
        self.0.link.is_up()
    }

    /// Returns when changes began to reach this process last, or 0.
    pub(crate) fn joined_at(&self) -> WallMillis {
        self.0.link.joined_at()
    }

    /// Writes an entry behind the caller. `then` gets what came of it.
    pub(crate) fn write(
        &self,
        put: Put,
        version: u128,
        then: impl FnOnce(Written) + Send + 'static,
    ) {
        self.0.own_writes.add(&put.entry, version);
        let (this, entry, token) = (Arc::clone(&self.0), put.entry.clone(), put.token);
        let then = move |written: Written| {
            // Nobody has to wait for what does not come.
            if let (Some(token), Written::Dropped | Written::Failed(_)) = (token, &written) {
                this.leases.release(&entry, token);
            }
            if let Written::Failed(error) = &written {
                *this.failure.lock() = Some(error.clone());
            }
            then(written);
        };
        self.0.writes.push(put, Box::new(then));
    }

    /// Removes an entry. Waits for the store, but not beyond `until`; what is not confirmed then is sent again later.
    pub(crate) fn remove(&self, removal: &OpenRemoval, until: Instant) {
        if !self.0.is_usable(until) {
            return;
        }
        let sent = self.0.removals.send(removal.0.clone(), until);
        self.0.note(&sent.wait_until(until));
    }

    /// Returns the generation of a group. Waits for it no longer than until `deadline`.
    pub(crate) fn generation(&self, group: &str, deadline: Instant) -> Option<u64> {
        let asked = match self.0.generations.find(group) {
            Ok(generation) => return Some(generation),
            Err(asked) => asked,
        };
        if !self.0.is_usable(deadline) {
            return None;
        }
        let pending = self.0.store.generation(group, random(), deadline);
        let generation = pending.wait_until(deadline);
        self.0.note(&generation);
        generation.ok().filter(|&generation| self.0.learn(group, generation, asked))
    }

    /// Returns the generation of a group, if it was known by the time `when` and has not changed since. If it was not,
    /// it is asked for, for those who come later.
    pub(crate) fn generation_since(&self, group: &str, when: Instant) -> Option<u64> {
        match self.0.generations.known_since(group, when) {
            Ok(generation) => Some(generation),
            Err(asked) => {
                let (this, name) = (Arc::clone(&self.0), group.to_owned());
                let until = clock::instant() + LOOK_LIMIT;
                self.0.store.generation(group, random(), until).then(move |generation| {
                    if let Ok(generation) = generation {
                        this.learn(&name, generation, asked);
                    }
                });
                None
            }
        }
    }

    /// Returns whether this is the first call. Functions that come later find what was removed before to be sent.
    pub(crate) fn begin_tags(&self) -> bool {
        !self.0.has_tags.swap(true, Relaxed)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Notes that a removal is not needed any more.
    pub(crate) fn confirm(&self, removal: &OpenRemoval) {
        self.0.removals.confirm(&removal.0);
    }

    /// Notes that an entry is removed: it is not read any more.
    pub(crate) fn begin_to_remove(&self, group: &str, entry: &str) -> OpenRemoval {
        OpenRemoval(self.0.removals.entry(group, entry))
    }

    /// Notes that all entries of a group are removed: none is read any more.
    pub(crate) fn begin_to_clear(&self, group: &str) -> OpenRemoval {
        let removal = self.0.removals.group(group);
        self.0.generations.forget(group);
        OpenRemoval(removal)
    }

    /// Waits until all results are written and all removals are confirmed.
    ///
    /// # Errors
    /// Why that is not so at `deadline`.
    pub(crate) fn flush(&self, deadline: Instant) -> Result<(), StoreError> {
        if !self.0.removals.is_empty() {
            // Joining sends them too.
            self.0.link.await_coming(deadline);
        }
        if self.0.writes.flush(deadline) && self.0.flush_removals(deadline) {
            return Ok(());
        }
        self.health().and(Err(StoreError::TimedOut))
    }
}

/// A removal that the store has not confirmed.
pub(crate) struct OpenRemoval(Removal);

impl Parts {
    fn this(&self) -> Arc<Self> {
        self.this.upgrade().expect("who calls this has a reference")
    }

    /// Notes what came of a request.
    pub(super) fn note<T>(&self, result: &Result<T, StoreError>) {
        self.breaker.note(result);
        let failure = result.as_ref().err().cloned();
        *self.failure.lock() = failure;
    }

    /// Sends again what was removed while there was no connection. Changes reach this process from then on.
    fn join(self: &Arc<Self>, epoch: u64) {
        let this = Arc::clone(self);
        self.removals.send_all(move |is_sent| {
            if !is_sent {
                // The next tick tries again.
                this.link.stall(epoch);
            } else if this.link.up(epoch) {
                this.breaker.close();
                *this.failure.lock() = None;
                this.writes.send();
            }
            this.notices.ring_all();
        });
    }

    /// Removes an entry from memory, unless it is what this process has written itself.
    fn entry_changed(self: &Arc<Self>, entry: &str, prefix: &str, part: Part) {
        self.notices.ring(entry);
        let Some(version) = self.own_writes.take(entry) else {
            return self.followers.forget(prefix, &part);
        };
        let (this, prefix) = (Arc::clone(self), prefix.to_owned());
        let head = self.store.head(entry, VERSION_END, clock::instant() + LOOK_LIMIT);
        head.then(move |head| {
            if head.ok().and_then(|head| version_of(&head)) != Some(version) {
                this.followers.forget(&prefix, &part);
            }
        });
    }

    /// Returns whether requests may be made. Waits for the end of the first attempt to connect.
    fn is_usable(&self, until: Instant) -> bool {
        if !self.breaker.allows() {
            return false;
        }
        if !self.link.await_coming(until) {
            self.note(&Err::<(), _>(StoreError::TimedOut));
        }
        self.link.is_up()
    }

    /// Sends what was removed, as far as it is not confirmed. Returns whether all is.
    fn flush_removals(&self, deadline: Instant) -> bool {
        if !self.removals.is_empty() && self.link.is_up() {
            let (completer, confirmed) = Pending::new();
            self.removals.send_all(move |_| completer.complete(Ok(())));
            // Whatever comes of it: others may have been confirmed meanwhile.
            let _ = confirmed.wait_until(deadline);
        }
        self.removals.is_empty()
    }

    /// Asks again for the generations that are known. A store that evicts what nobody has asked for lately would
    /// otherwise evict them first, and every entry with them: they are asked for once, and entries all the time.
    ///
    /// Of tags, only those in use are asked for.
    fn keep_generations(&self) {
        self.generations.retain(|group| match name::split(group) {
            Some((_, Part::Tag(tag))) => tags::is_used(tag),
            _ => true,
        });
        for group in self.generations.groups() {
            let this = self.this();
            let sent = self.store.generation(&group, random(), clock::instant() + LOOK_LIMIT);
            sent.then(move |generation| {
                let is_another =
                    generation.is_ok_and(|found| this.generations.contradicts(&group, found));
                if is_another {
                    this.generations.forget(&group);
                    this.forget_entries(&group);
                }
            });
        }
    }

    /// Tells the caches how long changes have not reached this process, if they do not.
    fn tell_cut_off(&self) {
        if let (epoch, Some(since)) = self.link.down_for() {
            self.followers.for_each(|follower| follower.is_cut_off(epoch, since));
        }
    }

    /// Notes a generation. Returns false if it contradicts what is known: then the group was changed.
    pub(super) fn learn(&self, group: &str, generation: u64, asked: Asked) -> bool {
        let is_known = self.generations.learn(group, generation, asked);
        if !is_known {
            self.forget_entries(group);
        }
        is_known
    }

    /// Removes all of a group from memory.
    fn forget_entries(&self, group: &str) {
        match name::split(group) {
            Some((_, Part::Tag(tag))) => tags::invalidate(tag),
            Some((prefix, part)) => self.followers.forget(prefix, &part),
            None => {}
        }
    }

    /// Removes all of a group from memory if its generation is another one. It may just have been made.
    fn group_changed(self: &Arc<Self>, group: &str) {
        let (this, asked, name) = (Arc::clone(self), self.generations.ask(), group.to_owned());
        let sent = self.store.generation(group, random(), clock::instant() + LOOK_LIMIT);
        sent.then(move |generation| match generation {
            Ok(generation) => drop(this.learn(&name, generation, asked)),
            Err(_) => {
                this.generations.forget(&name);
                this.forget_entries(&name);
            }
        });
    }
}

/// The watcher of the store, which knows it by a weak reference.
impl Watcher for Parts {
    fn connected(&self) {
        let epoch = self.link.join();
        self.generations.forget_all();
        self.own_writes.clear();
        self.followers.for_each(|follower| follower.forget_all());
        // A child of fork does not have the thread of its parent.
        TIERS.wake(Duration::ZERO);
        self.this().join(epoch);
    }

    fn disconnected(&self) {
        self.link.down();
        self.notices.ring_all();
        self.writes.cut();
        self.tell_cut_off();
    }

    fn changed(&self, changed: Changed<'_>) {
        match changed {
            Changed::Lease(entry) => self.notices.ring(entry),
            Changed::All => {
                self.generations.forget_all();
                self.followers.for_each(|follower| follower.forget_all());
                self.notices.ring_all();
            }
            Changed::Value(name) => match name::split(name) {
                Some((prefix, part @ (Part::Key(_) | Part::Digest(_)))) => {
                    self.this().entry_changed(name, prefix, part);
                }
                Some(_) => self.this().group_changed(name),
                None => {}
            },
        }
    }
}

impl Maintain for Parts {
    fn tick(&self) -> bool {
        if self.process.swap(fork::generation(), Relaxed) != fork::generation() {
            // A child of fork has no connection, and hits in memory make no request that the store would notice that
            // by.
            let _ = self.store.health();
        }
        self.leases.renew();
        self.writes.send();
        if let Some(epoch) = self.link.join_again() {
            self.this().join(epoch);
        } else if self.link.is_up() {
            self.removals.send_all(drop);
            self.keep_generations();
        }
        self.tell_cut_off();
        true
    }
}

impl fmt::Debug for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tier").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl From<&Tier> for Tier {
    fn from(tier: &Tier) -> Self {
        tier.clone()
    }
}

//! The way of one call through a tier: look for the entry, ask for the lease, wait for who has it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use super::envelope::{self, Opened, VERSION_END};
use super::error::StoreError;
use super::generations::Asked;
use super::leases::HeldLease;
use super::name::{group_hash, tag_group};
use super::notices::Notice;
use super::pending::Pending;
use super::random::{random, random_wide};
use super::store::{InTask, Lease, Leased, Store, Stored, Token};
use super::tier::{Parts, Tier};
use crate::key::Tag;
use crate::persist::{Cost, WallMillis};
use crate::platform::clock::{self, Instant};
use crate::platform::unpark::Unpark;

/// By how much a store may exceed the time of a request.
const GRACE: Duration = Duration::from_millis(50);

/// What a call asks a tier for.
#[derive(Clone)]
pub(crate) struct Query {
    /// The name of the entry, and of the group of all entries of the function.
    pub(crate) entry: String,
    pub(crate) group: Arc<str>,
    /// The tags of the result, as far as they are known. `None`: entries of the function have no tags.
    pub(crate) tags: Option<Vec<Tag>>,
    /// The whole key, if the name has a digest.
    pub(crate) key: Option<Vec<u8>>,
    /// How long each step may take.
    pub(crate) limit: Duration,
    /// An entry that has no more than this share of its time to live left is to be computed again.
    pub(crate) due_rest: f64,
    /// Whether the caller is a thread that does nothing else meanwhile.
    pub(crate) blocks: bool,
    /// Whether the caller computes if there is no entry, and whether it then waits for others who do.
    pub(crate) computes: bool,
    pub(crate) waits: bool,
    /// Whether every entry is to be computed again. The caller then also waits for others who compute it.
    pub(crate) renews: bool,
}

/// A value from a tier.
pub(crate) struct Value {
    pub(crate) bytes: Vec<u8>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) computed: WallMillis,
    /// What it cost to compute it.
    pub(crate) cost: Cost,
    /// How long it lives from `began` on. `None`: as long as the function's time to live says. Zero: it may only stand in.
    pub(crate) left: Option<Duration>,
    /// Its whole time to live.
    pub(crate) ttl: Option<Duration>,
    /// When it was asked for.
    pub(crate) began: Instant,
}

/// What came of a search.
pub(crate) enum Found {
    /// There is a value.
    Value(Value),
    /// The caller computes the value, and may write it. The value beside may stand in.
    Granted(HeldLease, Option<Value>),
    /// Another machine computes the value. The value beside may stand in.
    Busy(Option<Value>),
    /// There is only this value, which may stand in, and the caller does not compute.
    Older(Value),
    /// The caller computes the value, which is not written: the tier cannot be used.
    Unavailable,
}

/// The search of one call. Dropping it gives back what it was given.
pub(crate) struct Search {
    tier: Tier,
    query: Query,
    /// What stands for the group of the function in an entry.
    group: u64,
    /// Drawn when a lease is asked for.
    token: Option<Token>,
    notice: Option<Notice>,
    step: Step,
    /// When the search and its present step began.
    started: Instant,
    began: Instant,
    /// The groups of the entry, each with its generation: the function first, and then tags.
    generations: Vec<(u64, u64)>,
    /// The beginning of an entry that cannot be used, or is to be computed again.
    void: Option<Vec<u8>>,
    /// The value of that entry, if it can be used until then.
    stands_in: Option<Value>,
}

enum Step {
    Begin,
    /// Looks for the entry, and for the generations that are not known.
    Look(Vec<Asking>, Look),
    Ask(Pending<Leased>),
    /// Waits for who has the lease, which ends then unless it is renewed.
    Wait(Instant),
    Ended,
}

/// A generation that was asked for.
struct Asking {
    group: String,
    generation: Pending<u64>,
    asked: Asked,
}

/// How a search goes on.
enum Next {
    Go(Step),
    End(Found),
}

/// The answer to a look, which may come before the generation.
enum Look {
    Pending(Pending<Option<Stored>>),
    /// With the time at which it was polled last.
    InTask(InTask<Option<Stored>>, Instant),
    Answered(Option<Stored>),
}

impl Look {
    /// Asks the store, in the way that suits who waits.
    fn begin(
        store: &dyn Store,
        entry: &str,
        until: Instant,
        blocks: bool,
    ) -> Result<Self, StoreError> {
        if blocks {
            if let Some(stored) = store.get_now(entry, until) {
                return stored.map(Self::Answered);
            }
        } else if let Some(request) = store.get_in_task(entry, until) {
            return Ok(Self::InTask(request, clock::instant()));
        }
        Ok(Self::Pending(store.get(entry, until)))
    }
}

impl Search {
    pub(crate) fn new(tier: &Tier, query: Query) -> Self {
        let now = clock::instant();
        Self {
            tier: tier.clone(),
            group: group_hash(&query.group),
            query,
            token: None,
            notice: None,
            step: Step::Begin,
            started: now,
            began: now,
            generations: Vec::new(),
            void: None,
            stands_in: None,
        }
    }

    /// Goes on. If it cannot now, `waker` is woken when it can; but see [`Self::until`].
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Found> {
        let polled = self.advance(waker);
        if polled.is_pending() && self.until().is_err_and(|end| end <= clock::instant()) {
            self.leave();
            return Poll::Ready(self.failed(&StoreError::TimedOut));
        }
        polled
    }

    fn advance(&mut self, waker: &Waker) -> Poll<Found> {
        loop {
            let next = match &mut self.step {
                Step::Begin => self.begin(),
                Step::Look(..) => ready!(self.look(waker)),
                Step::Ask(lease) => {
                    let leased = ready!(lease.poll_result(waker));
                    self.asked(leased)
                }
                Step::Wait(until) => {
                    let is_over = *until <= clock::instant();
                    let has_rung = self.notice.as_mut().is_none_or(|notice| notice.has_rung(waker));
                    if !is_over && !has_rung {
                        return Poll::Pending;
                    }
                    Next::Go(Step::Begin)
                }
                Step::Ended => panic!("a search was polled after it ended"),
            };
            match next {
                Next::Go(step) => self.step = step,
                Next::End(found) => {
                    self.step = Step::Ended;
                    return Poll::Ready(found);
                }
            }
        }
    }

    /// Returns when to poll at the latest, though nothing wakes the caller. `Err`: only in case the store breaks its
    /// word that it ends each request in time.
    pub(crate) fn until(&self) -> Result<Instant, Instant> {
        match self.step {
            Step::Wait(until) => Ok(until),
            Step::Look(_, Look::InTask(..)) => Err(self.began + self.query.limit),
            _ => Err(self.began + self.query.limit + GRACE),
        }
    }

    /// Does all of it, as a thread.
    pub(crate) fn wait(mut self) -> Found {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            if let Poll::Ready(found) = self.poll(&waker) {
                return found;
            }
            let (Ok(until) | Err(until)) = self.until();
            std::thread::park_timeout(until.saturating_duration_since(clock::instant()));
        }
    }

    /// Returns how long the search has taken so far.
    pub(crate) fn taken(&self) -> Duration {
        clock::instant() - self.started
    }

    fn parts(&self) -> &Parts {
        &self.tier.0
    }

    fn begin(&mut self) -> Next {
        let Query { entry, group, tags, .. } = &self.query;
        let parts = &self.tier.0;
        if parts.link.is_coming() {
            return self.await_connection();
        }
        let is_usable = parts.link.is_up() && !parts.removals.is_open(group, entry);
        if !is_usable || !parts.breaker.allows() {
            return Next::End(Found::Unavailable);
        }
        self.began = clock::instant();
        let until = self.began + self.query.limit;
        let mut asking = Vec::new();
        let function = self.ask_generation(group).map(|generation| (self.group, generation));
        let function = function.map_err(|asked| asking.push(asked));
        let look = Look::begin(&*parts.store, entry, until, self.query.blocks);
        let tags = tags.clone().unwrap_or_default();
        self.generations = function.into_iter().collect();
        asking.extend(self.ask_tags(&tags));
        look.map_or_else(
            |error| Next::End(self.failed(&error)),
            |look| Next::Go(Step::Look(asking, look)),
        )
    }

    /// Returns the generation of a group, or asks for it if it is not known.
    fn ask_generation(&self, group: &str) -> Result<u64, Asking> {
        let parts = &self.tier.0;
        parts.generations.find(group).map_err(|asked| {
            let until = self.began + self.query.limit;
            let generation = parts.store.generation(group, random(), until);
            Asking { group: group.to_owned(), generation, asked }
        })
    }

    /// Notes the generations of tags, and asks for those that are not known.
    fn ask_tags(&mut self, tags: &[Tag]) -> Vec<Asking> {
        let mut asking = Vec::new();
        for tag in tags {
            match self.ask_generation(&tag_group(self.tier.namespace(), *tag)) {
                Ok(generation) => self.generations.push((tag.bits(), generation)),
                Err(asked) => asking.push(asked),
            }
        }
        asking
    }

    /// Returns the tags of an entry whose generations are not known.
    fn unknown_tags(&self, stored: &Stored) -> Vec<Tag> {
        if self.query.tags.is_none() {
            return Vec::new();
        }
        let opened = envelope::open(&self.query.entry, &stored.bytes, self.tier.sealing());
        let groups = opened.map(|opened| opened.generations).unwrap_or_default();
        let is_unknown = |group: &u64| self.generations.iter().all(|(known, _)| known != group);
        let tags = groups.iter().skip(1).map(|(tag, _)| *tag);
        tags.filter(is_unknown).map(Tag::from_bits).collect()
    }

    /// Waits for the end of the first attempt to connect.
    fn await_connection(&mut self) -> Next {
        let until = self.started + self.query.limit;
        if until <= clock::instant() {
            return Next::End(self.failed(&StoreError::TimedOut));
        }
        if !self.parts().breaker.allows() {
            return Next::End(Found::Unavailable);
        }
        self.listen();
        // What has happened since is not missed.
        if self.tier.0.link.is_coming() {
            Next::Go(Step::Wait(until))
        } else {
            Next::Go(Step::Begin)
        }
    }

    /// Makes what happens to the entry, or to the connection, wake the caller.
    fn listen(&mut self) {
        if self.notice.is_none() {
            self.notice = Some(self.tier.0.notices.wait(&self.query.entry));
        }
    }

    fn look(&mut self, waker: &Waker) -> Poll<Next> {
        let Step::Look(asking, look) = &mut self.step else {
            return Poll::Ready(Next::Go(Step::Begin));
        };
        let answered = match look {
            Look::Pending(pending) => Some(ready!(pending.poll_result(waker))),
            Look::InTask(request, polled) => {
                let answered = request.as_mut().poll(&mut Context::from_waker(waker));
                let now = clock::instant();
                let was_late = now - std::mem::replace(polled, now) > GRACE;
                if answered.is_pending() && was_late && self.began + self.query.limit <= now {
                    // The runtime had no time, and so it has not read the answer either. What serves the store has.
                    self.began = now;
                    let until = now + self.query.limit;
                    let pending = self.tier.0.store.get(&self.query.entry, until);
                    let look = Look::Pending(pending);
                    return Poll::Ready(Next::Go(Step::Look(std::mem::take(asking), look)));
                }
                Some(ready!(answered))
            }
            Look::Answered(_) => None,
        };
        match answered {
            Some(Ok(stored)) => *look = Look::Answered(stored),
            Some(Err(error)) => return Poll::Ready(Next::End(self.failed(&error))),
            None => {}
        }
        while let Some(Asking { group, generation, asked }) = asking.last_mut() {
            match ready!(generation.poll_result(waker)) {
                Ok(known) => {
                    self.tier.0.learn(group, known, *asked);
                    self.generations.push((group_hash(group), known));
                    asking.pop();
                }
                Err(error) => return Poll::Ready(Next::End(self.failed(&error))),
            }
        }
        let Look::Answered(stored) = look else { return Poll::Pending };
        let stored = stored.take();
        let unknown = stored.as_ref().map_or_else(Vec::new, |stored| self.unknown_tags(stored));
        if !unknown.is_empty() {
            return Poll::Ready(Next::Go(Step::Look(
                self.ask_tags(&unknown),
                Look::Answered(stored),
            )));
        }
        self.parts().note(&Ok::<_, StoreError>(()));
        if let Some(value) = stored.and_then(|stored| self.open(&stored)) {
            return Poll::Ready(Next::End(Found::Value(value)));
        }
        if !self.query.computes {
            let older = self.stands_in.take();
            return Poll::Ready(Next::End(older.map_or(Found::Unavailable, Found::Older)));
        }
        Poll::Ready(Next::Go(self.ask()))
    }

    /// Asks for the lease.
    fn ask(&mut self) -> Step {
        // Before the request, so that nothing which happens after it is missed.
        if self.query.waits {
            self.listen();
        }
        let (parts, entry) = (&self.tier.0, &self.query.entry);
        self.began = clock::instant();
        let token = *self.token.get_or_insert_with(|| Token(random_wide()));
        let (time, void) = (parts.leases.time(), self.void.take());
        let lease = Lease { token, time, void };
        Step::Ask(parts.store.lease(entry, lease, self.began + self.query.limit))
    }

    fn asked(&mut self, leased: Result<Leased, StoreError>) -> Next {
        let leased = match leased {
            Ok(leased) => leased,
            Err(error) => {
                // It may have been given all the same.
                self.release();
                return Next::End(self.failed(&error));
            }
        };
        match leased {
            Leased::Found(stored) if !self.unknown_tags(&stored).is_empty() => {
                let asking = self.ask_tags(&self.unknown_tags(&stored));
                Next::Go(Step::Look(asking, Look::Answered(Some(stored))))
            }
            Leased::Found(stored) => match self.open(&stored) {
                Some(value) => Next::End(Found::Value(value)),
                None => Next::Go(self.ask()),
            },
            Leased::Granted => {
                let Some(token) = self.token else { return Next::End(Found::Unavailable) };
                let (generations, key) = (self.own_generations(), self.query.key.take());
                let leases = &self.tier.0.leases;
                let lease = leases.hold(&self.query.entry, key, token, generations);
                Next::End(Found::Granted(lease, self.stands_in.take()))
            }
            Leased::Held(_)
                if self.stands_in.is_some() && !self.query.renews || !self.query.waits =>
            {
                Next::End(Found::Busy(self.stands_in.take()))
            }
            Leased::Held(left) => {
                Next::Go(Step::Wait(clock::instant() + left.max(Duration::from_millis(1))))
            }
        }
    }

    /// Ends before there is a result.
    fn leave(&mut self) {
        if let Step::Ask(_) = std::mem::replace(&mut self.step, Step::Ended) {
            // It comes after the request.
            self.release();
        }
    }

    /// Gives back the lease, if it was given.
    fn release(&self) {
        if let Some(token) = self.token {
            self.parts().leases.release(&self.query.entry, token);
        }
    }

    fn failed(&self, error: &StoreError) -> Found {
        self.parts().note(&Err::<(), _>(error.clone()));
        Found::Unavailable
    }

    /// Returns the value of an entry. If it cannot be used or is to be computed again, remembers that.
    fn open(&mut self, stored: &Stored) -> Option<Value> {
        let value = self.verify(stored);
        let Query { due_rest, renews, .. } = self.query;
        let is_due = |value: &Value| {
            let times = value.left.zip(value.ttl);
            renews
                || times
                    .is_some_and(|(left, ttl)| left.as_secs_f64() <= ttl.as_secs_f64() * due_rest)
        };
        if value.as_ref().is_some_and(|value| !is_due(value)) {
            return value;
        }
        self.stands_in = value;
        let end = stored.bytes.len().min(VERSION_END);
        self.void = Some(stored.bytes[..end].to_vec());
        None
    }

    fn verify(&self, stored: &Stored) -> Option<Value> {
        let Query { entry, key, .. } = &self.query;
        let opened = envelope::open(entry, &stored.bytes, self.tier.sealing()).ok()?;
        let tags = self.tags_if_current(&opened.generations)?;
        if opened.key != key.as_deref() {
            return None;
        }
        let Opened { computed, ttl, cost, .. } = opened;
        let left = stored.left.unwrap_or(Duration::MAX).saturating_sub(opened.stale);
        Some(Value {
            bytes: opened.value.into_owned(),
            tags,
            computed,
            cost,
            left: ttl.map(|ttl| ttl.min(left)),
            ttl,
            began: self.began,
        })
    }
}

impl Search {
    /// Returns the tags of an entry, if its generations are those of now.
    fn tags_if_current(&self, generations: &[(u64, u64)]) -> Option<Vec<Tag>> {
        let (own, tags) = generations.split_first()?;
        let is_plain = self.query.tags.is_none() && !tags.is_empty();
        let are_known = generations.iter().all(|group| self.generations.contains(group));
        if own.0 != self.group || is_plain || !are_known {
            return None;
        }
        let tags: Vec<Tag> = tags.iter().map(|(tag, _)| Tag::from_bits(*tag)).collect();
        let (removals, namespace) = (&self.tier.0.removals, self.tier.namespace());
        let is_removed = |tag: &Tag| removals.is_group_open(&tag_group(namespace, *tag));
        (!tags.iter().any(is_removed)).then_some(tags)
    }

    /// Returns the groups that the caller's result belongs to, as far as they are known, the function first.
    fn own_generations(&self) -> Vec<(u64, u64)> {
        let tags = self.query.tags.iter().flatten().map(|tag| tag.bits());
        let groups = std::iter::once(self.group).chain(tags);
        let known = |group| self.generations.iter().find(|(known, _)| *known == group).copied();
        groups.filter_map(known).collect()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.leave();
    }
}

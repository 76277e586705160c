//! One call of an `async fn`: a future that looks into the cache when it is first polled.
//!
//! It knows no runtime: it is woken by the leader of the flight that it waits for. It stores the body's future once, and
//! is `Send` if that is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use serde::Serialize;

use crate::call::bypass;
use crate::call::pinned::{Beside, Lazy};
use crate::function::computation::Work;
use crate::function::function_cache::{Begun, Core};
use crate::key::arguments::Arguments;
use crate::key::{KeyBytes, Written};
use crate::single_flight::flight::{Flight, Seat};
use crate::value::keep::Keep;

/// What an asynchronous call comes to.
pub struct Asked<K: Keep<Held: Send + Sync>>(Ask<K>);

enum Ask<K: Keep<Held: Send + Sync>> {
    Hit(K::Return),
    Miss(&'static Core<K>, u64, KeyBytes),
    Compute(Work<K>),
}

impl<K: Keep<Held: Send + Sync>> Core<K> {
    /// Looks the key of `arguments` up.
    #[inline]
    pub(crate) fn ask<A: Arguments>(&'static self, arguments: &A) -> Asked<K> {
        if bypass::is_on() {
            return Asked(Ask::Compute(Work::off(self)));
        }
        let hash = self.hash(arguments);
        match self.find(arguments, hash, |held| Some(held.clone())) {
            Some(held) => Asked(Ask::Hit(K::answer(&held))),
            None => self.ask_missed(arguments, hash),
        }
    }

    /// The same, but has a share of the hits computed and compared.
    pub(crate) fn ask_or_verify<A: Arguments>(&'static self, arguments: &A, share: f64) -> Asked<K>
    where
        K::Value: Serialize,
    {
        if bypass::is_on() {
            return Asked(Ask::Compute(Work::off(self)));
        }
        let hash = self.hash(arguments);
        match self.find_or_check(arguments, hash, share) {
            Ok(held) => Asked(Ask::Hit(K::answer(&held))),
            Err(Some(check)) => Asked(Ask::Compute(Work::verify(self, check))),
            Err(None) => self.ask_missed(arguments, hash),
        }
    }

    #[cold]
    #[inline(never)]
    fn ask_missed<A: Arguments>(&'static self, arguments: &A, hash: Option<u64>) -> Asked<K> {
        Asked(match self.key(&Written::new(arguments, hash)) {
            Some((hash, key)) => Ask::Miss(self, hash, KeyBytes::new(key)),
            None => Ask::Compute(Work::alone(self)),
        })
    }
}

/// Says whether a result is worth keeping.
pub type Worth<R> = fn(&R) -> bool;

impl<K: Keep<Held: Send + Sync>> Asked<K> {
    /// Goes on with `body` on a miss, and keeps its value.
    pub fn compute<B: Future<Output = K::Return>>(self, body: B) -> Begin<K, B, Worth<K::Return>> {
        self.compute_if(body, |_| true)
    }

    /// The same, if `worth` says so.
    pub fn compute_if<B, W>(self, body: B, worth: W) -> Begin<K, B, W>
    where
        B: Future<Output = K::Return>,
        W: FnOnce(&K::Return) -> bool,
    {
        Begin { ask: self.0, body, worth }
    }
}

/// A call at its first poll.
pub struct Begin<K: Keep<Held: Send + Sync>, B, W> {
    ask: Ask<K>,
    body: B,
    worth: W,
}

/// The future of the call whose arguments `begin` holds.
pub fn call<K, L, B, W>(begin: L) -> impl Future<Output = K::Return>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> Begin<K, B, W>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    Beside::new(Progress { stage: Stage::Unasked, worth: None }, Lazy::Maker(begin))
}

struct Progress<K: Keep<Held: Send + Sync>, W> {
    stage: Stage<K>,
    worth: Option<W>,
}

enum Stage<K: Keep<Held: Send + Sync>> {
    Unasked,
    Waiting(Wait<K>),
    Computing(Work<K>),
    Over,
}

impl<K, L, B, W> Future for Beside<Progress<K, W>, Lazy<L, B>>
where
    K: Keep<Held: Send + Sync>,
    L: FnOnce() -> Begin<K, B, W>,
    B: Future<Output = K::Return>,
    W: FnOnce(&K::Return) -> bool,
{
    type Output = K::Return;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<K::Return> {
        let (progress, mut body) = self.project();
        if let Stage::Unasked = progress.stage {
            // Should the maker panic, by a `Serialize` or by settings, the call is over.
            progress.stage = Stage::Over;
            let begin = body.as_mut().take_maker().expect("an unasked call has its arguments");
            let Begin { ask, body: future, worth } = begin();
            progress.stage = match ask {
                Ask::Hit(value) => return Poll::Ready(value),
                Ask::Compute(work) => Stage::Computing(work),
                Ask::Miss(core, hash, key) => match core.next(hash, key.as_slice()) {
                    Ok(value) => return Poll::Ready(value),
                    Err(stage) => stage,
                },
            };
            progress.worth = Some(worth);
            body.set(Lazy::Future(future));
        }
        while let Stage::Waiting(wait) = &mut progress.stage {
            match ready!(wait.poll(cx)) {
                Err(stage) => progress.stage = stage,
                Ok(value) => {
                    progress.stage = Stage::Over;
                    body.set(Lazy::Gone);
                    return Poll::Ready(value);
                }
            }
        }
        let value = ready!(progress.compute(body.as_mut(), cx));
        body.set(Lazy::Gone);
        Poll::Ready(value)
    }
}

impl<K: Keep<Held: Send + Sync>> Core<K> {
    /// The value of `key`, or what is to be done for it.
    fn next(&'static self, hash: u64, key: &[u8]) -> Result<K::Return, Stage<K>> {
        match self.begin(hash, key) {
            Begun::Value(held) => Ok(K::answer(&held)),
            Begun::Lead(claim) => Err(Stage::Computing(Work::lead(self, claim))),
            Begun::Join(flight) => {
                let seat = Seat::new(self.wait_limit());
                Err(Stage::Waiting(Wait { core: self, flight, seat }))
            }
        }
    }
}

/// A task's wait for another's computation.
struct Wait<K: Keep<Held: Send + Sync>> {
    core: &'static Core<K>,
    flight: Arc<Flight<K::Held>>,
    seat: Seat,
}

impl<K: Keep<Held: Send + Sync>> Wait<K> {
    /// The value, or what is to be done next.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<K::Return, Stage<K>>> {
        let waited = ready!(self.flight.poll(&mut self.seat, cx));
        Poll::Ready(match Work::after(self.core, &self.flight, waited) {
            Some(Ok(held)) => Ok(K::answer(&held)),
            Some(Err(work)) => Err(Stage::Computing(work)),
            None => self.core.next(self.flight.claim.hash, self.flight.key.as_slice()),
        })
    }
}

impl<K: Keep<Held: Send + Sync>> Drop for Wait<K> {
    fn drop(&mut self) {
        if self.flight.leave(&mut self.seat) {
            self.core.pass_on(self.flight.claim);
        }
    }
}

/// Ends the work of a body that panics at once, and not when its future is dropped.
struct Working<'a, K: Keep<Held: Send + Sync>> {
    stage: &'a mut Stage<K>,
    returned: bool,
}

impl<K: Keep<Held: Send + Sync>> Drop for Working<'_, K> {
    fn drop(&mut self) {
        if !self.returned {
            *self.stage = Stage::Over;
        }
    }
}

impl<K: Keep<Held: Send + Sync>, W: FnOnce(&K::Return) -> bool> Progress<K, W> {
    fn compute<L, B: Future<Output = K::Return>>(
        &mut self,
        body: Pin<&mut Lazy<L, B>>,
        cx: &mut Context<'_>,
    ) -> Poll<K::Return> {
        let (Stage::Computing(work), Some(future)) = (&self.stage, body.future()) else {
            panic!("a call was polled after it had ended");
        };
        let _computing = work.computing();
        let mut working = Working { stage: &mut self.stage, returned: false };
        let polled = future.poll(cx);
        working.returned = true;
        drop(working);
        let value = ready!(polled);
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let (Stage::Computing(mut work), Some(worth)) = (stage, self.worth.take()) {
            work.settle(&value, worth);
        }
        Poll::Ready(value)
    }
}

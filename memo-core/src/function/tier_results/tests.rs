//! Tests what several machines get from one tier, with a server in memory.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Context;
use std::thread;

use super::*;
use crate::call::future::call;
use crate::call::lookup::Lookup;
use crate::call::outcome::outcome;
use crate::call::renewal::{refresh, refresh_async};
use crate::function::entry::Layer;
use crate::function::settings::Settings;
use crate::handle::memo::Memo;
use crate::key::Key;
use crate::key::arguments::Serialized;
use crate::platform::clock::steps;
use crate::platform::maintenance::Maintain;
use crate::platform::unpark::Unpark;
use crate::remote::TierOptions;
use crate::remote::test_server::{Held, Machine, TestServer, Way};
use crate::statistics::departure::Departure;
use crate::statistics::explanation::{Explanation, Remover};
use crate::statistics::source::Source;
use crate::value::holder::InArc;
use crate::value::keep::KeepOf;
use crate::value::selection::OkOnly;

mod model;
mod tagged;

type Kept = KeepOf<OkOnly<String, ()>, InArc>;

/// A memoized function on one machine, with the number of its runs.
struct Site {
    function: &'static Arc<FunctionCache<Kept>>,
    machine: Arc<Machine>,
    tier: Tier,
    runs: AtomicU32,
}

fn key(n: u32) -> Key {
    Key::of(&(Serialized(&n), ()))
}

/// Options with which a call waits until the store answers, however loaded the machine is that runs the tests.
fn patient() -> TierOptions {
    TierOptions::new().read_limit(Duration::from_secs(60))
}

impl Site {
    fn new(server: &TestServer) -> Arc<Self> {
        Self::with(server, patient(), |settings| settings)
    }

    fn with(
        server: &TestServer,
        options: TierOptions,
        more: impl FnOnce(Settings<Kept>) -> Settings<Kept>,
    ) -> Arc<Self> {
        let site = Self::unconnected(server, options, more);
        site.machine.heal();
        site
    }

    fn unconnected(
        server: &TestServer,
        options: TierOptions,
        more: impl FnOnce(Settings<Kept>) -> Settings<Kept>,
    ) -> Arc<Self> {
        let machine = server.machine();
        // Ticked by the tests that want it, so that no other thread carries out requests between the steps of a test.
        let tier = Tier::unattended(machine.store(), options);
        let settings = more(Settings::of(Kept::NEW).remote(Some(&tier)));
        let function = settings.at(|| "f".to_owned(), || Ok(0)).shared("f".to_owned(), 1);
        let function: &'static Arc<_> = Box::leak(Box::new(function));
        function.mark_static();
        Arc::new(Self { function, machine, tier, runs: AtomicU32::new(0) })
    }

    fn memo(&self) -> Memo<Result<String, ()>> {
        Memo::shared(self.function)
    }

    fn call(&self, n: u32, body: impl FnOnce() -> Result<String, ()>) -> Result<String, ()> {
        match self.function.lookup(&(Serialized(&n), ())) {
            Lookup::Hit(hit) => hit.value(),
            Lookup::Miss(miss) => miss.store({
                self.runs.fetch_add(1, SeqCst);
                body()
            }),
        }
    }

    fn text(&self, n: u32, text: &str) -> String {
        self.call(n, || Ok(text.to_owned())).unwrap()
    }

    fn lifetime(&self, n: u32) -> Lifetime {
        let (key, mut found) = (key(n), None);
        self.function.memory.for_each(&mut |entry| {
            if Some(entry.key.as_slice()) == key.bytes() {
                found = Some(entry.lifetime);
            }
        });
        found.unwrap()
    }

    fn runs(&self) -> u32 {
        self.runs.load(SeqCst)
    }
}

/// Makes a site whose function remembers why entries left.
fn explained(server: &TestServer) -> Arc<Site> {
    Site::with(server, patient(), |settings| settings.explain(10, &["n"]))
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn what_one_machine_has_computed_another_finds() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    assert_eq!(outcome(|| one.text(1, "a")).source(), Some(Source::Computed));
    let found = outcome(|| other.text(1, "b"));
    assert_eq!((&**found, found.source(), found.was_cached()), ("a", Some(Source::Remote), true));
    // Both have it in memory now.
    let (mine, theirs) = (one.function.stats(), other.function.stats());
    assert_eq!((one.text(1, "c"), other.text(1, "c")), ("a".to_owned(), "a".to_owned()));
    assert_eq!((mine.misses, mine.remote_misses, mine.remote_writes, mine.entries), (1, 1, 1, 1));
    assert_eq!((theirs.hits, theirs.misses, theirs.remote_hits), (1, 0, 1));
    assert_eq!((mine.remote_latency.count(), theirs.remote_latency.count()), (0, 1));
    assert_eq!(one.function.stats().remote_hits, 0, "its own write did not cost it its entry");
    assert_eq!((one.runs(), other.runs(), server.leases()), (1, 0, 0));
}

#[test]
fn an_invalidation_reaches_every_machine() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    one.text(1, "a");
    assert_eq!(other.text(1, "b"), "a");
    assert!(one.memo().invalidate(&key(1)));
    assert_eq!(other.memo().len(), 0);
    assert_eq!(other.text(1, "b"), "b");
    assert_eq!(one.text(1, "c"), "b");
    assert_eq!(other.function.stats().remote_invalidated, 1);
}

#[test]
fn clear_reaches_every_machine_and_every_entry() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    (0..5).for_each(|n| drop(one.text(n, "a")));
    other.text(1, "");
    other.memo().clear();
    assert_eq!((one.memo().len(), other.memo().len()), (0, 0));
    // Entries of the former generation stay in the store, and count for nobody.
    assert_eq!(server.entries().len(), 5);
    assert_eq!(one.text(1, "b"), "b");
    assert_eq!(other.text(1, "c"), "b");
    assert_eq!(other.text(2, "c"), "c");
}

#[test]
fn what_is_computed_during_an_invalidation_is_kept_nowhere() {
    for clears in [false, true] {
        let server = TestServer::default();
        let (one, other) = (Site::new(&server), Site::new(&server));
        let computed = one.call(1, || {
            if clears {
                other.memo().clear();
            } else {
                other.memo().invalidate(&key(1));
            }
            Ok("old".to_owned())
        });
        assert_eq!(computed.unwrap(), "old");
        assert_eq!(one.memo().len(), 0);
        assert_eq!(
            (other.text(1, "new"), one.text(1, "newer")),
            ("new".to_owned(), "new".to_owned())
        );
    }
}

/// Returns what has removed a key, if it is explained by that.
fn removed_by(site: &Site, n: u32) -> Option<Remover> {
    match site.memo().explain(&key(n)) {
        Explanation::Invalidated { by, .. } => Some(by),
        _ => None,
    }
}

#[test]
fn what_another_machine_removes_is_told_apart() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), explained(&server));
    (1..5).for_each(|n| _ = (one.text(n, "a"), other.text(n, "b")));
    one.memo().invalidate(&key(1));
    assert_eq!((removed_by(&other, 1), removed_by(&other, 2)), (Some(Remover::Machine), None));
    other.memo().invalidate(&key(2));
    assert_eq!(removed_by(&other, 2), Some(Remover::Invalidate), "its own removal comes back");
    one.memo().clear();
    assert_eq!(removed_by(&other, 3), Some(Remover::Machine));
    let computed = other.call(5, || {
        one.memo().invalidate(&key(5));
        Ok("old".to_owned())
    });
    assert_eq!((computed.as_deref(), removed_by(&other, 5)), (Ok("old"), Some(Remover::Machine)));
}

#[test]
fn what_is_removed_because_the_tier_is_lost_is_told_apart() {
    let server = TestServer::default();
    let (lost, away) = (explained(&server), explained(&server));
    [&lost, &away].into_iter().for_each(|site| _ = site.text(1, "a"));
    lost.function.forget_all();
    assert_eq!(removed_by(&lost, 1), Some(Remover::Disconnection));
    Follower::is_cut_off(&**away.function, 7, Duration::from_secs(600));
    assert_eq!(removed_by(&away, 1), Some(Remover::Disconnection));
}

#[test]
fn an_inserted_value_replaces_what_others_have_or_compute() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    one.text(1, "a");
    other.text(1, "");
    assert!(other.memo().insert(&key(1), Ok("b".to_owned())));
    assert_eq!((one.text(1, "c"), other.text(1, "c")), ("b".to_owned(), "b".to_owned()));
    let computed = one.call(2, || {
        assert!(other.memo().insert(&key(2), Ok("inserted".to_owned())));
        Ok("computed".to_owned())
    });
    assert_eq!(computed.unwrap(), "computed");
    assert_eq!(
        (one.text(2, ""), other.text(2, "")),
        ("inserted".to_owned(), "inserted".to_owned())
    );
}

#[test]
fn a_refresh_replaces_what_the_tier_and_others_have() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    one.text(1, "a");
    other.text(1, "");
    assert_eq!(refresh(|| one.text(1, "b")), "b");
    assert_eq!((one.text(1, ""), other.text(1, "")), ("b".to_owned(), "b".to_owned()));
    assert_eq!(refresh(|| other.call(1, || Err(()))), Err(()));
    let new = Site::new(&server);
    assert_eq!((other.text(1, ""), new.text(1, "")), ("b".to_owned(), "b".to_owned()));
    let later = call(|| {
        let body = std::future::ready(Ok("c".to_owned()));
        new.function.begin(&(Serialized(&1_u32), ())).compute(body)
    });
    assert_eq!(block_on(refresh_async(later)), Ok("c".to_owned()));
    assert_eq!((one.text(1, ""), other.text(1, "")), ("c".to_owned(), "c".to_owned()));
    assert_eq!((one.runs(), other.runs(), new.runs()), (2, 1, 0));
}

#[test]
fn a_refresh_waits_for_a_machine_that_began_before_and_is_not_satisfied_by_it() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    let refreshing = Arc::clone(&other);
    let mut refreshed = None;
    let older = one.call(1, || {
        let refreshing = move || refresh(|| refreshing.text(1, "new"));
        refreshed = Some(thread::spawn(refreshing));
        Ok("old".to_owned())
    });
    assert_eq!(older.unwrap(), "old");
    assert_eq!(refreshed.unwrap().join().unwrap(), "new");
    assert_eq!((one.text(1, ""), other.text(1, "")), ("new".to_owned(), "new".to_owned()));
}

#[test]
fn a_result_of_a_refresh_that_another_machine_invalidates_is_kept_nowhere() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    one.text(1, "a");
    let refreshed = refresh(|| {
        one.call(1, || {
            other.memo().invalidate(&key(1));
            Ok("old".to_owned())
        })
    });
    assert_eq!(refreshed.unwrap(), "old");
    assert_eq!((other.text(1, "b"), one.text(1, "c")), ("b".to_owned(), "b".to_owned()));
}

#[test]
fn one_machine_computes_and_the_others_wait_for_it() {
    let server = TestServer::default();
    let sites: Vec<_> = (0..4).map(|_| Site::new(&server)).collect();
    let began = std::sync::Barrier::new(8);
    thread::scope(|scope| {
        for caller in 0..8 {
            let (site, began) = (&sites[caller % 4], &began);
            scope.spawn(move || {
                began.wait();
                let value = site.call(1, || {
                    thread::sleep(Duration::from_millis(50));
                    Ok("a".to_owned())
                });
                assert_eq!(value.unwrap(), "a");
            });
        }
    });
    assert_eq!(sites.iter().map(|site| site.runs()).sum::<u32>(), 1);
    assert_eq!(server.leases(), 0);
}

#[test]
fn who_waits_takes_over_when_the_holder_fails_or_its_lease_ends() {
    for dies in [false, true] {
        let server = TestServer::default();
        let (one, other) = (Site::new(&server), Site::new(&server));
        thread::scope(|scope| {
            let waiting = |_: &str| scope.spawn(|| other.text(1, "b"));
            let mut waiter = None;
            let failed = one.call(1, || {
                waiter = Some(waiting("while it computes"));
                while other.function.memory.claimed_count() == 0 {
                    thread::yield_now();
                }
                if dies {
                    server.end_leases();
                    one.machine.cut();
                    // Messages do not tell of a lease that ended by itself; the waiter knows when.
                    other.machine.cut();
                    other.machine.heal();
                }
                Err(())
            });
            assert!(failed.is_err());
            assert_eq!(waiter.unwrap().join().unwrap(), "b");
        });
        assert_eq!(other.runs(), 1);
    }
}

#[test]
fn a_task_waits_without_a_runtime() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    let mut runs = 0;
    let function: &'static FunctionCache<Kept> = other.function;
    let mut task = pin!(call(|| {
        let lookup = function.begin(&(Serialized(&1_u32), ()));
        lookup.compute(async { Ok::<_, ()>("task".to_owned()) })
    }));
    let mut context = Context::from_waker(Waker::noop());
    let computed = one.call(1, || {
        assert!(task.as_mut().poll(&mut context).is_pending());
        runs += 1;
        Ok("a".to_owned())
    });
    assert_eq!(computed.unwrap(), "a");
    assert_eq!(task.as_mut().poll(&mut context), Poll::Ready(Ok("a".to_owned())));
    // A task that is dropped while it waits leaves nothing behind.
    let silent = Site::new(&server);
    silent.machine.set_silent(true);
    let function: &'static FunctionCache<Kept> = silent.function;
    let mut dropped = Box::pin(call(|| {
        let lookup = function.begin(&(Serialized(&2_u32), ()));
        lookup.compute(async { Ok::<_, ()>("task".to_owned()) })
    }));
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    silent.machine.set_silent(false);
    assert!(dropped.as_mut().poll(&mut context).is_ready());
    assert_eq!(server.leases(), 0);
}

#[test]
fn a_write_that_is_dropped_ends_its_lease() {
    let server = TestServer::default();
    let site = Site::with(&server, patient().queue(1, 1 << 20), |settings| settings);
    let computed = site.call(1, || {
        site.text(2, "its write is dropped for that of 1");
        Ok("a".to_owned())
    });
    assert_eq!((computed.unwrap(), server.leases()), ("a".to_owned(), 0));
    let computed = site.call(3, || {
        let dropped = site.call(4, || {
            // No request is sent from now on, though some could be.
            site.machine.disconnected();
            Ok("b".to_owned())
        });
        assert_eq!((dropped.unwrap(), server.leases()), ("b".to_owned(), 2));
        Ok("a".to_owned())
    });
    assert_eq!((computed.unwrap(), server.leases()), ("a".to_owned(), 1));
    site.machine.heal();
    assert_eq!(server.leases(), 0);
}

#[test]
fn a_search_that_ends_late_gives_back_the_lease() {
    steps::stop();
    let server = TestServer::default();
    let limit = Duration::from_millis(100);
    let site = Site::with(&server, patient().read_limit(limit), |settings| settings);
    site.machine.set_silent(true);
    let function: &'static FunctionCache<Kept> = site.function;
    let mut task = pin!(call(|| {
        let lookup = function.begin(&(Serialized(&1_u32), ()));
        lookup.compute(async { Ok::<_, ()>("a".to_owned()) })
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_pending());
    while site.machine.step(Way::Answer) {}
    assert!(task.as_mut().poll(&mut context).is_pending());
    assert_eq!(server.leases(), 1);
    // The store is later than it may be.
    steps::pass(1000);
    assert!(task.as_mut().poll(&mut context).is_ready());
    assert_eq!(server.leases(), 0);
}

#[test]
fn a_clear_that_is_sent_again_does_not_bring_back_what_another_has_removed() {
    let server = TestServer::default();
    let limit = Duration::from_millis(100);
    let one = Site::with(&server, patient().read_limit(limit), |settings| settings);
    let other = Site::new(&server);
    // It arrives, and its answer does not.
    one.machine.set_silent(true);
    one.memo().clear();
    other.text(1, "a");
    other.memo().clear();
    one.machine.cut();
    one.machine.set_silent(false);
    one.machine.heal();
    assert_eq!(other.text(1, "b"), "b");
}

#[test]
fn a_generation_that_was_asked_for_before_a_clear_is_not_used_after_it() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    other.text(1, "a");
    one.machine.hold(Held { answers: true, messages: true, ..Held::default() });
    let function: &'static FunctionCache<Kept> = one.function;
    let mut task = pin!(call(|| {
        let lookup = function.begin(&(Serialized(&1_u32), ()));
        lookup.compute(async { Ok::<_, ()>("b".to_owned()) })
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_pending());
    one.machine.hold(Held { messages: true, ..Held::default() });
    one.memo().clear();
    assert!(task.as_mut().poll(&mut context).is_ready());
    assert_eq!(one.text(1, "c"), "c");
}

#[test]
fn what_changed_while_the_connection_was_away_is_not_served_after_it() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    one.text(1, "a");
    other.text(1, "");
    other.machine.cut();
    one.memo().invalidate(&key(1));
    one.text(1, "b");
    // It may be served for a while.
    assert_eq!(other.text(1, ""), "a");
    other.machine.heal();
    assert_eq!(other.text(1, ""), "b");
    other.machine.cut();
    one.memo().clear();
    other.machine.heal();
    assert_eq!(other.text(1, "c"), "c");
}

#[test]
fn what_is_removed_without_a_connection_is_removed_once_there_is_one() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    (1..4).for_each(|n| drop(one.text(n, "a")));
    other.machine.cut();
    other.memo().invalidate(&key(1));
    assert!(other.memo().insert(&key(2), Ok("b".to_owned())));
    assert_eq!(other.text(1, "new"), "new");
    assert_eq!(one.text(1, ""), "a");
    other.machine.heal();
    assert_eq!(
        (one.text(1, "c"), one.text(2, "c"), one.text(3, "c")),
        ("c".into(), "c".into(), "a".into())
    );
    other.machine.cut();
    other.memo().clear();
    other.machine.heal();
    assert_eq!(one.text(3, "d"), "d");
}

#[test]
fn without_a_connection_entries_live_as_long_as_that_may_last() {
    let server = TestServer::default();
    let cut_off = Duration::from_millis(1500);
    let site = Site::with(&server, patient(), |s| s.stale_while_disconnected(cut_off));
    site.text(1, "a");
    site.machine.cut();
    assert_eq!(site.text(1, ""), "a");
    Follower::is_cut_off(&**site.function, 7, Duration::from_millis(400));
    assert_eq!(site.text(1, ""), "a");
    Follower::is_cut_off(&**site.function, 7, Duration::from_millis(600));
    assert_eq!(site.text(1, "b"), "b");
    // What was computed since is not removed again, and ends by itself.
    Follower::is_cut_off(&**site.function, 7, Duration::from_millis(1600));
    assert_eq!(site.text(1, ""), "b");
    let impatient = Site::with(&server, patient(), |s| s.stale_while_disconnected(Duration::ZERO));
    impatient.text(9, "a");
    impatient.machine.cut();
    assert_eq!(impatient.text(9, "b"), "b", "nothing is served from the moment on");
    let entry = site.lifetime(1);
    assert!(entry.expires <= clock::now() + 1500);
}

#[test]
fn a_silent_store_costs_a_call_no_more_than_the_limit_and_then_nothing() {
    let server = TestServer::default();
    let limit = Duration::from_millis(30);
    let site = Site::with(&server, patient(), |s| s.remote_limit(limit));
    site.machine.set_silent(true);
    let began = Instant::now();
    (0..5).for_each(|n| drop(site.text(n, "a")));
    assert!(began.elapsed() >= 5 * limit);
    // The breaker is open now.
    let began = Instant::now();
    (5..100).for_each(|n| drop(site.text(n, "a")));
    assert!(began.elapsed() < 90 * limit, "{:?}", began.elapsed());
    assert_eq!(site.runs(), 100);
    assert!(site.function.health().is_err());
    site.machine.set_silent(false);
    assert_eq!(server.leases(), 0, "a lease that was given too late was given back");
}

#[test]
fn a_task_that_asks_by_itself_waits_no_longer_than_the_limit() {
    let server = TestServer::default();
    let limit = Duration::from_millis(30);
    let site = Site::with(&server, patient(), |s| s.remote_limit(limit));
    site.machine.serve_in_tasks(true);
    site.text(1, "a");
    site.function.memory.clear(Remover::Clear, &mut || ());
    let function: &'static FunctionCache<Kept> = site.function;
    let text = |n: u32, text: &'static str| {
        let task = call(move || {
            let lookup = function.begin(&(Serialized(&n), ()));
            lookup.compute(async move { Ok::<_, ()>(text.to_owned()) })
        });
        block_on(task).unwrap()
    };
    assert_eq!(text(1, "b"), "a");
    site.machine.set_silent(true);
    let began = Instant::now();
    assert_eq!(text(2, "c"), "c");
    assert!(began.elapsed() >= limit);
    // No answer wakes the task. Without an alarm it would never end.
    site.machine.set_silent(false);
}

#[test]
fn a_task_whose_runtime_was_blocked_finds_what_is_there_all_the_same() {
    let server = TestServer::default();
    let limit = Duration::from_millis(10);
    let site = Site::with(&server, patient(), |s| s.remote_limit(limit));
    let function: &'static FunctionCache<Kept> = site.function;
    for n in 0..20 {
        site.text(n, "a");
        site.function.memory.clear(Remover::Clear, &mut || ());
        site.machine.serve_in_tasks(false);
        let mut task = pin!(call(move || {
            let lookup = function.begin(&(Serialized(&n), ()));
            lookup.compute(async { Ok::<_, ()>("b".to_owned()) })
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(task.as_mut().poll(&mut context).is_pending());
        // Nobody polls it for longer than its request may take.
        thread::sleep(limit + Duration::from_millis(60));
        assert_eq!(block_on(task).unwrap(), "a");
    }
    // None of them was a failure of the store, or it would not be asked any more.
    assert_eq!(site.function.stats().remote_hits, 20);
}

#[test]
fn a_damaged_or_foreign_value_is_computed_again() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    one.text(1, "a");
    let damages: [fn(&mut Vec<u8>); 3] =
        [|bytes| bytes[60] ^= 1, |bytes| bytes.truncate(9), |bytes| bytes.clear()];
    for damage in damages {
        server.edit(damage);
        other.function.memory.clear(Remover::Clear, &mut || ());
        assert_eq!(other.text(1, "b"), "b");
    }
    assert_eq!(other.runs(), 3);
}

#[test]
fn who_has_the_key_believes_only_who_has_it_too() {
    let server = TestServer::default();
    let site = |key| Site::with(&server, patient().authenticated([key; 32]), |s| s);
    let (one, same, forger, plain) = (site(1), site(1), site(2), Site::new(&server));
    assert_eq!((one.text(1, "a"), same.text(1, "b")), ("a".to_owned(), "a".to_owned()));
    assert_eq!(plain.text(1, "p"), "p");
    assert_eq!(same.text(1, "b"), "b");
    assert_eq!(forger.text(1, "f"), "f");
    assert_eq!(one.text(1, "a"), "a");
}

#[test]
fn a_value_lives_as_long_as_the_store_keeps_it() {
    let server = TestServer::default();
    let ttl = Duration::from_secs(100);
    let site = || Site::with(&server, patient(), |s| s.ttl(ttl));
    let (one, other) = (site(), site());
    one.text(1, "a");
    server.age(Duration::from_secs(60));
    assert_eq!(other.text(1, "b"), "a");
    let left = other.lifetime(1).expires - clock::now();
    assert!((39_000..=40_000).contains(&left), "{left}");
}

#[test]
fn an_expired_value_stands_in_when_the_computation_fails() {
    let server = TestServer::default();
    let (ttl, stale) = (Duration::from_secs(10), Duration::from_secs(100));
    let site = || Site::with(&server, patient(), |s| s.ttl(ttl).stale(stale));
    let (one, other, third) = (site(), site(), site());
    one.text(1, "a");
    server.age(Duration::from_secs(20));
    assert_eq!(other.call(1, || Err(())).unwrap(), "a");
    // Who finds another machine computing gets it at once.
    let computed = other.call(1, || {
        assert_eq!(third.text(1, "not computed"), "a");
        Ok("b".to_owned())
    });
    assert_eq!((computed.unwrap(), third.runs()), ("b".to_owned(), 0));
    assert_eq!(third.text(1, ""), "b");
    assert_eq!(other.function.stats().stale_if_error, 1);
}

#[test]
fn long_keys_are_told_apart_and_invalidated() {
    let server = TestServer::default();
    let call = |site: &Site, text: &str| {
        let lookup = site.function.lookup(&(Serialized(&text), ()));
        match lookup {
            Lookup::Hit(hit) => hit.value().unwrap(),
            Lookup::Miss(miss) => miss.store(Ok(text[..1].to_owned())).unwrap(),
        }
    };
    let (one, other) = (Site::new(&server), Site::new(&server));
    let (a, b) = ("a".repeat(1000), "b".repeat(1000));
    for text in [&a, &b] {
        assert_eq!(call(&one, text), call(&other, text));
    }
    assert_eq!(other.function.stats().remote_hits, 2);
    one.memo().invalidate(&Key::of(&(Serialized(&&*a), ())));
    assert_eq!(other.memo().len(), 1);
    assert!(server.entries().iter().all(|(name, _)| name.contains("{sha256-")));
}

#[test]
fn a_long_key_that_is_computed_or_stale_is_not_forgotten_among_many_others() {
    let server = TestServer::default();
    let few = |settings: Settings<Kept>| settings.max(100);
    let one = Site::with(&server, patient(), few);
    let other = Site::new(&server);
    let call = |site: &Site, text: &str, value: &dyn Fn() -> String| match site
        .function
        .lookup(&(Serialized(&text), ()))
    {
        Lookup::Hit(hit) => hit.value().unwrap(),
        Lookup::Miss(miss) => miss.store(Ok(value())).unwrap(),
    };
    let long = |n: u32| format!("{n:01000}");
    let during = || {
        for n in 1..1500 {
            call(&one, &long(n), &String::new);
        }
        Maintain::tick(&**one.function);
        other.memo().invalidate(&Key::of(&(Serialized(&&*long(0)), ())));
        "before".to_owned()
    };
    assert_eq!(call(&one, &long(0), &during), "before");
    assert_eq!(call(&one, &long(0), &|| "after".to_owned()), "after");
}

#[test]
fn a_generation_that_the_store_has_lost_in_silence_is_noticed() {
    let server = TestServer::default();
    let one = Site::new(&server);
    assert_eq!(one.text(1, "a"), "a");
    one.machine.sever(false, 0);
    server.flush();
    one.tier.tick();
    assert_eq!(one.text(1, "b"), "b");
}

#[test]
fn calls_do_not_all_wait_for_a_connection_that_does_not_come() {
    let limit = Duration::from_millis(200);
    let options = TierOptions::new().read_limit(limit);
    let one = Site::unconnected(&TestServer::default(), options, |settings| settings);
    let began = std::time::Instant::now();
    (0..100).for_each(|n| drop(one.text(n, "a")));
    one.memo().invalidate(&key(1));
    assert!(began.elapsed() < 50 * limit, "{:?}", began.elapsed());
}

#[test]
fn results_reach_the_tier_before_a_flush_ends() {
    let server = TestServer::default();
    let site = Site::new(&server);
    (0..100).for_each(|n| drop(site.text(n, "a")));
    site.memo().flush().unwrap();
    assert_eq!(server.entries().len(), 100);
    site.machine.cut();
    assert!(site.memo().flush().is_err() || site.tier.health().is_err());
}

#[test]
fn with_write_through_a_call_waits_for_the_store_but_not_beyond_the_limit() {
    let server = TestServer::default();
    let limit = Duration::from_millis(50);
    let site = Site::with(&server, patient(), |s| s.write_through().remote_limit(limit));
    let machine = Arc::clone(&site.machine);
    let body = || {
        machine.set_silent(true);
        Ok::<_, ()>("a".to_owned())
    };
    let began = Instant::now();
    assert_eq!(site.call(1, body).unwrap(), "a");
    assert!(began.elapsed() >= limit);
    machine.set_silent(false);
    // A task does not hold up its thread.
    let function: &'static FunctionCache<Kept> = site.function;
    let task = call(|| {
        let lookup = function.begin(&(Serialized(&2_u32), ()));
        lookup.compute(async { body() })
    });
    let mut task = pin!(task);
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.as_mut().poll(&mut context).is_pending());
    assert_eq!(site.memo().len(), 2, "others get the value at once");
    machine.set_silent(false);
    assert_eq!(task.as_mut().poll(&mut context), Poll::Ready(Ok("a".to_owned())));
}

#[test]
fn who_takes_over_from_a_caller_of_its_own_machine_asks_the_tier_too() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    let function: &'static FunctionCache<Kept> = one.function;
    let mut task = pin!(call(|| {
        let lookup = function.begin(&(Serialized(&1_u32), ()));
        lookup.compute(async { Ok::<_, ()>("taken over".to_owned()) })
    }));
    let mut context = Context::from_waker(Waker::noop());
    let failed = one.call(1, || {
        // Another thread, because a call from within its own computation does not wait.
        thread::scope(|scope| {
            let waits = scope
                .spawn(|| task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert!(waits.join().unwrap());
        });
        Err(())
    });
    assert!(failed.is_err());
    assert_eq!(task.as_mut().poll(&mut context), Poll::Ready(Ok("taken over".to_owned())));
    assert_eq!(other.text(1, "computed twice"), "taken over");
}

#[test]
fn an_entry_of_a_tier_is_told_apart_and_a_stale_one_is_returned() {
    let server = TestServer::default();
    let brief =
        |s: Settings<Kept>| s.ttl(Duration::from_millis(50)).stale(Duration::from_secs(3600));
    let sites = || Site::with(&server, patient(), brief);
    let (one, other) = (sites(), sites());
    one.text(1, "a");
    one.function.flush().unwrap();
    assert_eq!(one.memo().entry(&key(1)).unwrap().layer(), Layer::Memory);
    let entry = || other.memo().entry(&key(1)).unwrap();
    assert_eq!((entry().value(), entry().layer()), (&Ok("a".to_owned()), Layer::Remote));
    assert!(entry().age().is_some());
    let began = Instant::now();
    while !entry().is_stale() {
        assert!(began.elapsed() < Duration::from_secs(30));
        thread::yield_now();
    }
    assert_eq!(entry().into_value(), Ok("a".to_owned()));
    assert_eq!(other.memo().get(&key(1)), None, "it is over");
    assert_eq!(other.memo().entry(&key(2)), None);
    assert_eq!((other.memo().stats().hits, other.memo().len()), (0, 0));
}

#[test]
fn what_is_invalidated_by_its_key_leaves_the_tier_and_other_machines() {
    let server = TestServer::default();
    let (one, other) = (Site::new(&server), Site::new(&server));
    for n in [1, 2] {
        one.text(n, "old");
    }
    one.function.flush().unwrap();
    assert_eq!(other.text(1, "unused"), "old");
    assert_eq!(one.memo().invalidate_where(|key| key.get(0) == Ok(1_u32)), 1);
    assert_eq!((one.memo().len(), other.text(1, "new")), (1, "new".to_owned()));
    assert_eq!(one.text(2, "unused"), "old", "memory keeps what was not meant");
    assert_eq!(other.text(2, "new"), "new", "what a tier has cannot be judged");
}

#[test]
fn a_longer_stale_time_holds_for_what_is_written_from_then_on() {
    let server = TestServer::default();
    let brief = |s: Settings<Kept>| s.ttl(Duration::from_millis(50));
    let sites = || Site::with(&server, patient(), brief);
    let (one, other) = (sites(), sites());
    one.memo().set_stale(Duration::from_secs(3600));
    one.text(1, "a");
    one.function.flush().unwrap();
    let began = Instant::now();
    while !other.memo().entry(&key(1)).unwrap().is_stale() {
        assert!(began.elapsed() < Duration::from_secs(30));
        thread::yield_now();
    }
}

#[test]
fn what_another_machine_has_changed_is_told_by_the_background_thread() {
    let server = TestServer::default();
    let (told, heard) = std::sync::mpsc::channel();
    let site = Site::with(&server, patient(), |settings| {
        settings.on_evict(&["n"], move |key, text, why| {
            let n: u32 = key.get("n").unwrap();
            told.send((n, text.clone(), why, thread::current().id())).unwrap();
        })
    });
    let other = Site::new(&server);
    site.text(1, "a");
    site.text(2, "b");
    other.memo().invalidate(&key(1));
    let limit = Duration::from_secs(30);
    let (n, text, why, teller) = heard.recv_timeout(limit).unwrap();
    assert_eq!((n, &*text, why), (1, "a", Departure::Invalidated));
    assert_ne!(teller, thread::current().id(), "the server's message waits for no listener");
    other.memo().clear();
    let (n, text, why, _) = heard.recv_timeout(limit).unwrap();
    assert_eq!((n, &*text, why), (2, "b", Departure::Cleared));
}

//! The spans of computations.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use memokit::memoize;
use tracing::info_span;

use crate::watcher::{Told, Watcher};

/// Returns the spans of computations.
fn computations(watcher: &Watcher) -> Vec<Told> {
    watcher.spans().into_iter().filter(|span| span.name == "compute").collect()
}

fn outcomes(watcher: &Watcher) -> Vec<String> {
    computations(watcher).iter().map(|span| span.field("outcome").to_owned()).collect()
}

#[test]
fn a_computation_has_a_span_and_a_hit_has_none() {
    #[memoize(name = "spans: plain", cache_if = |n| n.is_none_or(|n| n < 100))]
    fn plain(n: u32) -> Option<u32> {
        let _inner = info_span!("inner").entered();
        Some(n)
    }
    #[memoize]
    fn fails(n: u32) -> Result<u32, u32> {
        assert!(n != 9, "on purpose");
        Err(n)
    }
    Watcher::watching(|watcher| {
        let _request = info_span!("request").entered();
        (plain(1), plain(1), plain(100)).0.unwrap();
        let spans = computations(watcher);
        assert_eq!(spans.len(), 2);
        assert_eq!(spans[0].parent.as_deref(), Some("request"));
        assert_eq!(spans[0].field("function"), "spans: plain");
        assert_eq!((spans[0].field("role"), spans[0].field("outcome")), ("lead", "kept"));
        assert_eq!((spans[0].field("wait_us"), spans[0].entered, spans[0].closed), ("0", 1, true));
        assert_eq!(spans[1].field("outcome"), "rejected");
        let inner: Vec<_> = watcher.spans().into_iter().filter(|s| s.name == "inner").collect();
        assert!(inner.len() == 2 && inner.iter().all(|s| s.parent.as_deref() == Some("compute")));
        assert_eq!(fails(1), Err(1));
        assert!(catch_unwind(AssertUnwindSafe(|| fails(9))).is_err());
        assert_eq!(outcomes(watcher)[2..], ["error", "panicked"]);
        assert_eq!(tracing::Span::current().metadata().map(|m| m.name()), Some("request"));
    });
}

/// Is pending once, and asks to be polled again.
struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn current() -> Option<&'static str> {
    tracing::Span::current().metadata().map(|metadata| metadata.name())
}

#[memoize]
async fn task(n: u32) -> u32 {
    assert_eq!(current(), Some("compute"));
    Pause(false).await;
    let _inner = info_span!("inner").entered();
    n
}

#[test]
fn the_span_of_a_task_is_entered_for_each_poll_and_not_between() {
    Watcher::watching(|watcher| {
        let mut cx = Context::from_waker(Waker::noop());
        let mut call = pin!(task(1));
        assert!(computations(watcher).is_empty(), "it is opened by the first poll");
        assert!(call.as_mut().poll(&mut cx).is_pending());
        assert_eq!(current(), None, "it is not entered between polls");
        assert!(!computations(watcher)[0].closed);
        assert_eq!(call.as_mut().poll(&mut cx), Poll::Ready(1));
        let spans = watcher.spans();
        assert_eq!(
            (spans[0].entered, spans[0].field("outcome"), spans[0].closed),
            (2, "kept", true)
        );
        assert_eq!(spans[1].parent.as_deref(), Some("compute"));
        assert_eq!(pin!(task(1)).poll(&mut cx), Poll::Ready(1));
        assert_eq!(watcher.spans().len(), 2, "a hit has none");
        let mut dropped = Box::pin(task(2));
        assert!(dropped.as_mut().poll(&mut cx).is_pending());
        drop(dropped);
        assert_eq!(outcomes(watcher), ["kept", "dropped"]);
    });
}

#[test]
fn a_waiter_that_computes_after_all_says_how_long_it_has_waited() {
    const WAIT: Duration = Duration::from_millis(20);
    #[memoize]
    fn slow(n: u32) -> Result<u32, u32> {
        thread::sleep(WAIT);
        Err(n)
    }
    // Nothing shows that a caller waits. A round in which it came too late is repeated.
    let waited = (0..100).any(|_| {
        thread::scope(|scope| {
            let leader = scope.spawn(|| slow(1));
            while slow_memo().computing() == 0 && !leader.is_finished() {
                thread::yield_now();
            }
            Watcher::watching(|watcher| {
                assert_eq!(slow(1), Err(1));
                let spans = computations(watcher);
                assert_eq!((spans.len(), spans[0].field("role")), (1, "lead"));
                spans[0].field("wait_us").parse::<u64>().unwrap() > 0
            })
        })
    });
    assert!(waited);
}

#[test]
fn a_refresh_says_that_it_is_one() {
    #[memoize(ttl = "1ms", stale = "1h", spawn = |task| task())]
    fn refreshed(n: u32) -> u32 {
        n
    }
    refreshed(1);
    while !refreshed_memo().is_empty() {
        thread::yield_now();
    }
    Watcher::watching(|watcher| {
        assert_eq!(refreshed(1), 1);
        let spans = computations(watcher);
        assert_eq!(spans.len(), 1, "{spans:?}");
        assert_eq!((spans[0].field("role"), spans[0].field("outcome")), ("refresh", "kept"));
    });
}

#[test]
fn an_insertion_is_no_computation() {
    #[memoize]
    fn held(n: u32) -> u32 {
        n
    }
    Watcher::watching(|watcher| {
        held_memo().insert(&held_key(1), 1);
        assert_eq!(held(1), 1);
        assert!(watcher.spans().is_empty());
    });
}

//! Attributes of other crates below `#[memoize]`: they apply to each call, of a `fn` and of an `async fn` alike.

use std::sync::Mutex;

use async_recursion::async_recursion;
use memokit::memoize;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, instrument};
use tracing_core::span::Current;

/// Records each span that is opened, and knows which one is entered.
#[derive(Default)]
struct Spans {
    opened: Mutex<Vec<&'static Metadata<'static>>>,
    entered: Mutex<Vec<Id>>,
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Spans of memokit's own, if another package of the same build has its feature `tracing`.
        metadata.target() != "memokit"
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut opened = self.opened.lock().unwrap();
        opened.push(span.metadata());
        Id::from_u64(opened.len() as u64)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(span.clone());
    }
    fn exit(&self, _: &Id) {
        self.entered.lock().unwrap().pop();
    }
    fn current_span(&self) -> Current {
        let entered = self.entered.lock().unwrap();
        let Some(id) = entered.last() else { return Current::none() };
        let index = usize::try_from(id.into_u64() - 1).unwrap();
        Current::new(id.clone(), self.opened.lock().unwrap()[index])
    }
}

/// The name of the span in which this runs.
fn span() -> Option<&'static str> {
    tracing::Span::current().metadata().map(Metadata::name)
}

/// Returns the names of the spans that `run` opens.
fn spans(run: impl FnOnce()) -> Vec<&'static str> {
    let dispatch = tracing::Dispatch::new(Spans::default());
    tracing::dispatcher::with_default(&dispatch, run);
    let spans: &Spans = dispatch.downcast_ref().unwrap();
    assert!(spans.entered.lock().unwrap().is_empty());
    let opened = spans.opened.lock().unwrap();
    opened.iter().map(|metadata| metadata.name()).collect()
}

#[test]
fn an_attribute_below_applies_to_each_call() {
    #[memoize]
    #[instrument]
    fn sync(n: u32) -> Option<&'static str> {
        let _ = n;
        span()
    }
    #[memoize]
    #[instrument(err)]
    async fn task(n: u32) -> Result<Option<&'static str>, String> {
        tokio::task::yield_now().await;
        if n == 0 { Err("no".to_owned()) } else { Ok(span()) }
    }
    struct Client;
    impl Client {
        #[memoize(skip(self))]
        #[instrument(skip(self))]
        async fn get(&self, name: &str, mut count: u32) -> String {
            count += 1;
            tokio::task::yield_now().await;
            format!("{name} {count} {:?}", span())
        }
    }
    let calls = || {
        assert_eq!((sync(1), sync(1)), (Some("sync"), Some("sync")));
        smol::block_on(async {
            assert_eq!(task(1).await, Ok(Some("task")));
            assert_eq!(task(1).await, Ok(Some("task")));
            assert_eq!(task(0).await, Err("no".to_owned()));
            assert_eq!(Client.get("a", 1).await, r#"a 2 Some("get")"#);
            assert_eq!(Client.get("a", 1).await, r#"a 2 Some("get")"#);
        });
    };
    assert_eq!(spans(calls), ["sync", "sync", "task", "task", "task", "get", "get"]);
    assert_eq!((sync_memo().stats().hits, task_memo().stats().hits), (1, 1));
}

#[test]
fn an_attribute_above_applies_to_each_computation() {
    #[instrument]
    #[memoize]
    async fn task(n: u32) -> Option<&'static str> {
        let _ = n;
        tokio::task::yield_now().await;
        span()
    }
    let calls = || {
        smol::block_on(async {
            assert_eq!((task(1).await, task(1).await), (Some("task"), Some("task")));
        });
    };
    assert_eq!(spans(calls).len(), 1);
}

#[test]
fn an_async_recursion_below_is_memoized() {
    #[memoize]
    #[async_recursion]
    async fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1).await + fibonacci(n - 2).await }
    }
    assert_eq!(smol::block_on(fibonacci(50)), 12_586_269_025);
    assert_eq!(fibonacci_memo().stats().misses, 51);
}

//! What the cases count: computations, and effects of the other attribute.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static COMPUTATIONS: AtomicUsize = AtomicUsize::new(0);
static EFFECTS: AtomicUsize = AtomicUsize::new(0);

/// How often each case calls its function.
const CALLS: usize = 3;

/// The body of a memoized function.
pub fn computed(n: u32) -> u32 {
    COMPUTATIONS.fetch_add(1, SeqCst);
    n + 1
}

/// Counts one effect of the other attribute. True, so that it can stand in a condition.
pub fn effect() -> bool {
    EFFECTS.fetch_add(1, SeqCst);
    true
}

/// Calls the function, and prints the numbers of calls, computations and effects.
///
/// # Panics
/// If a call does not return what the body computes.
pub fn measure(call: impl Fn() -> u32) {
    measure_with(call, || ());
}

/// The same for effects that are known only once `finish` has run.
pub fn measure_with(call: impl Fn() -> u32, finish: impl FnOnce()) {
    for _ in 0..CALLS {
        assert_eq!(call(), 2);
    }
    finish();
    println!("{CALLS} {} {}", COMPUTATIONS.load(SeqCst), EFFECTS.load(SeqCst));
}

/// Polls the future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A subscriber of `tracing` for which each new span is an effect.
pub struct Spans;

impl tracing::Subscriber for Spans {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        effect();
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// A logger for which each record is an effect.
pub struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, _: &log::Record<'_>) {
        effect();
    }
    fn flush(&self) {}
}

//! Tests what is seen of caches from outside: the example, the metrics and the spans.

mod events;
mod metrics;
mod scrape;
mod spans;
mod watcher;

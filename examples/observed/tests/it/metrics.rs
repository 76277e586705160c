//! What `memokit::metrics::record` publishes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use memokit::memoize;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// Keeps what is published, by name and the label `cache`.
#[derive(Clone, Default)]
struct Published(Arc<Mutex<HashMap<String, f64>>>);

struct Cell(Published, String);

impl Cell {
    fn set(&self, value: f64) {
        self.0.0.lock().unwrap().insert(self.1.clone(), value);
    }
}

impl CounterFn for Cell {
    fn increment(&self, _: u64) {
        panic!("counters are absolute");
    }
    fn absolute(&self, value: u64) {
        self.set(value as f64);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        Cell::set(self, value);
    }
}

impl HistogramFn for Cell {
    fn record(&self, _: f64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += 1.0;
    }
}

impl Published {
    fn cell(&self, key: &Key) -> Arc<Cell> {
        let cache = key.labels().find(|label| label.key() == "cache").map(|label| label.value());
        Arc::new(Cell(self.clone(), format!("{} {}", key.name(), cache.unwrap_or_default())))
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, text: &SharedString) {
        assert!(unit.is_some() && !text.is_empty());
        self.0.lock().unwrap().insert(name.as_str().to_owned(), 1.0);
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.lock().unwrap().get(name).copied()
    }
}

impl Recorder for Published {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }
    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }
    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key))
    }
}

#[memoize(name = "metrics: one")]
fn one(n: u64) -> u64 {
    n
}

#[memoize(name = "metrics: twins", max = 2)]
fn twin(n: u64) -> u64 {
    n
}

#[memoize(name = "metrics: twins", max = 2)]
fn other_twin(n: u64) -> u64 {
    n
}

#[test]
fn statistics_are_published_when_they_are_asked_for() {
    let published = Published::default();
    let record = || metrics::with_local_recorder(&published, memokit::metrics::record);
    metrics::with_local_recorder(&published, || {
        [1, 2, 1, 1].into_iter().for_each(|n| _ = one(n));
        [1, 2, 3].into_iter().for_each(|n| _ = twin(n) + other_twin(n));
    });
    assert_eq!(published.get("memokit_hits_total metrics: one"), None, "calls publish nothing");
    record();
    for (name, value) in [
        ("memokit_hits_total metrics: one", 2.0),
        ("memokit_misses_total metrics: one", 2.0),
        ("memokit_entries metrics: one", 2.0),
        ("memokit_compute_seconds metrics: one", 2.0),
        ("memokit_misses_total metrics: twins", 6.0),
        ("memokit_evicted_total metrics: twins", 2.0),
        ("memokit_entries metrics: twins", 4.0),
        ("memokit_compute_seconds metrics: twins", 6.0),
        ("memokit_disk_seconds", 1.0),
    ] {
        assert_eq!(published.get(name), Some(value), "{name}");
    }
    one(3);
    record();
    record();
    assert_eq!(published.get("memokit_compute_seconds metrics: one"), Some(3.0));
    assert_eq!(published.get("memokit_misses_total metrics: one"), Some(3.0));
}

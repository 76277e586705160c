//! Bytes per entry in caches of a million entries: after they are filled, and after two million other keys are added.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cached::macros::concurrent_cached;
use memokit::memoize;

use crate::access::mix;
use crate::allocator;
use crate::command::Plan;
use crate::compute::compute;
use crate::plot::bars::{Chart, Group, Scale};
use crate::report::{Cell, Column, Table};

const ENTRIES: u64 = 1_000_000;
const QUICK: u64 = 1000;

const COLUMNS: [Column; 8] = [
    Column("kind", 14, 0),
    Column("contender", 12, 0),
    Column("entries", 9, 0),
    Column("filled", 8, 1),
    Column("churned", 8, 1),
    Column("peak", 8, 1),
    Column("ratio", 8, 2),
    Column("ratio_churned", 13, 2),
];

/// The memory that one contender uses, in bytes per entry in the cache.
struct Footprint {
    name: &'static str,
    entries: u64,
    filled: f64,
    churned: f64,
    /// The maximum while the cache was filled.
    peak: f64,
}

fn text(n: u64) -> String {
    format!("{n:016x}")
}

/// Computes the cached value of a text. It is as long as the text.
fn answer(text: &str) -> String {
    compute(text.len() as u64);
    text.chars().rev().collect()
}

#[memoize(max = 1_000_000)]
fn memo_number(n: u64) -> u64 {
    compute(n)
}

#[concurrent_cached(max_size = 1_000_000)]
fn cached_number(n: u64) -> u64 {
    compute(n)
}

#[memoize(max = 1_000_000)]
fn memo_text(text: &str) -> String {
    answer(text)
}

#[concurrent_cached(max_size = 1_000_000)]
#[expect(clippy::needless_pass_by_value, reason = "the key is owned")]
fn cached_text(text: String) -> String {
    answer(&text)
}

/// memoize keeps a copy of each key in its list, and its map is in a Mutex. Both are allocated for the bound.
#[allow(dead_code, clippy::needless_pass_by_value, reason = "memoize requires it")]
mod memoize_functions {
    #[memoize::memoize(SharedCache, Capacity: 1_000_000)]
    pub(super) fn number(n: u64) -> u64 {
        super::compute(n)
    }

    #[memoize::memoize(SharedCache, Capacity: 1_000_000)]
    pub(super) fn text(text: String) -> String {
        super::answer(&text)
    }
}

/// Measures contenders, and compares each with memokit, which is the first of its kind.
struct Comparison<'a> {
    plan: &'a Plan,
    table: Table,
    kind: &'static str,
    memokit: Option<Footprint>,
    groups: Vec<Group>,
}

impl Comparison<'_> {
    fn kind(&mut self, kind: &'static str) {
        self.kind = kind;
        self.memokit = None;
        for when in ["just filled", "churned"] {
            let title = format!("{kind}, {when}");
            self.groups.push(Group { title, bars: Vec::new() });
        }
    }

    /// Measures one contender. `make` returns a function that makes a call and a function that counts the entries. The
    /// cache is freed with them.
    fn measure<C: Fn(u64), L: Fn() -> u64>(
        &mut self,
        name: &'static str,
        make: impl FnOnce() -> (C, L),
    ) {
        if !self.plan.wants(&format!("memory/{}/{name}", self.kind)) {
            return;
        }
        let entries = if self.plan.quick { QUICK } else { ENTRIES };
        let before = allocator::live();
        allocator::take_peak();
        let (call, len) = make();
        (0..entries).for_each(|n| call(mix(n)));
        let per_entry = |bytes: i64| (bytes - before) as f64 / len() as f64;
        let peak = per_entry(allocator::take_peak());
        let filled = per_entry(allocator::live());
        (entries..3 * entries).for_each(|n| call(mix(n)));
        let churned = per_entry(allocator::live());
        self.show(&Footprint { name, entries: len(), filled, churned, peak });
    }

    fn show(&mut self, footprint: &Footprint) {
        let Footprint { name, entries, filled, churned, peak } = *footprint;
        let own = self.memokit.get_or_insert(Footprint { ..*footprint });
        let ratio =
            |own: f64, other: f64| -> Cell { (name != "memokit").then_some(own / other).into() };
        self.table.row(&[
            self.kind.into(),
            name.into(),
            (entries as f64).into(),
            filled.into(),
            churned.into(),
            peak.into(),
            ratio(own.filled, filled),
            ratio(own.churned, churned),
        ]);
        let last = self.groups.len() - 2;
        self.groups[last].bars.push((name.to_owned(), filled));
        self.groups[last + 1].bars.push((name.to_owned(), churned));
    }

    /// Measures the rivals without an annotation. Each cache is freed before the next one is made.
    fn by_hand<K, V>(&mut self, entry: fn(u64) -> (K, V))
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let max = if self.plan.quick { QUICK } else { ENTRIES };
        self.measure("quick_cache", || {
            let cache = Rc::new(quick_cache::sync::Cache::new(usize::try_from(max).unwrap_or(0)));
            let counted = Rc::clone(&cache);
            let call = move |n| {
                let (key, value) = entry(n);
                cache.insert(key, value);
            };
            (call, move || counted.len() as u64)
        });
        self.measure("moka", || {
            let cache = moka::sync::Cache::new(max);
            let counted = cache.clone();
            let call = move |n| {
                let (key, value) = entry(n);
                cache.insert(key, value);
            };
            let len = move || {
                counted.run_pending_tasks();
                counted.entry_count()
            };
            (call, len)
        });
        self.measure("mutex_map", || {
            let map = Rc::new(Mutex::new(HashMap::new()));
            let counted = Rc::clone(&map);
            let call = move |n| {
                let (key, value) = entry(n);
                locked(&map).insert(key, value);
            };
            (call, move || locked(&counted).len() as u64)
        });
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    allocator::start();
    let table = Table::begin(plan.json, &COLUMNS);
    let mut comparison = Comparison { plan, table, kind: "", memokit: None, groups: Vec::new() };
    comparison.kind("u64");
    comparison.measure("memokit", || (|n| _ = memo_number(n), || memo_number_memo().len() as u64));
    comparison.measure("cached", || (|n| _ = cached_number(n), || CACHED_NUMBER.len() as u64));
    comparison.measure("memoize", || {
        (|n| _ = memoize_functions::number(n), || memoize_functions::memoized_size_number() as u64)
    });
    comparison.by_hand(|n| (n, compute(n)));
    comparison.kind("text");
    comparison
        .measure("memokit", || (|n| _ = memo_text(&text(n)), || memo_text_memo().len() as u64));
    comparison.measure("cached", || (|n| _ = cached_text(text(n)), || CACHED_TEXT.len() as u64));
    comparison.measure("memoize", || {
        (
            |n| _ = memoize_functions::text(text(n)),
            || memoize_functions::memoized_size_text() as u64,
        )
    });
    comparison.by_hand(|n| (text(n), answer(&text(n))));
    comparison.groups.retain(|group| !group.bars.is_empty());
    if comparison.groups.is_empty() {
        return Err("no contender has all of these words in its name".into());
    }
    let title = "Bytes per entry, 1,000,000 of u64 to u64 and of String to String".to_owned();
    let chart = Chart { title, scale: Scale::Linear, groups: comparison.groups };
    plan.plot.as_deref().map_or(Ok(()), |directory| chart.write(directory, "memory"))
}

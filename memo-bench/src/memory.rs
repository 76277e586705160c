//! Bytes an entry in caches of a million entries, just filled and after twice as many other keys came by.

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

/// What one contender took, in bytes by entry held.
struct Taken {
    name: &'static str,
    entries: u64,
    filled: f64,
    churned: f64,
    /// The most during the filling.
    peak: f64,
}

fn text(n: u64) -> String {
    format!("{n:016x}")
}

/// What is remembered of a text: as long as it.
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

/// memoize keeps a copy in the list and its map in a Mutex, both made for as many as the bound says.
#[allow(dead_code, clippy::needless_pass_by_value, reason = "as memoize has it")]
mod owning {
    #[memoize::memoize(SharedCache, Capacity: 1_000_000)]
    pub(super) fn number(n: u64) -> u64 {
        super::compute(n)
    }

    #[memoize::memoize(SharedCache, Capacity: 1_000_000)]
    pub(super) fn text(text: String) -> String {
        super::answer(&text)
    }
}

/// Measures contenders, and shows each beside memokit, the first of its kind.
struct Scales<'a> {
    plan: &'a Plan,
    table: Table,
    kind: &'static str,
    memokit: Option<Taken>,
    charted: Vec<Group>,
}

impl Scales<'_> {
    fn kind(&mut self, kind: &'static str) {
        self.kind = kind;
        self.memokit = None;
        for when in ["just filled", "churned"] {
            let title = format!("{kind}, {when}");
            self.charted.push(Group { title, bars: Vec::new() });
        }
    }

    /// `make` returns a call and a count of the entries; the cache goes with them.
    fn take<C: Fn(u64), L: Fn() -> u64>(
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
        let by_entry = |bytes: i64| (bytes - before) as f64 / len() as f64;
        let peak = by_entry(allocator::take_peak());
        let filled = by_entry(allocator::live());
        (entries..3 * entries).for_each(|n| call(mix(n)));
        let churned = by_entry(allocator::live());
        self.show(&Taken { name, entries: len(), filled, churned, peak });
    }

    fn show(&mut self, taken: &Taken) {
        let Taken { name, entries, filled, churned, peak } = *taken;
        let own = self.memokit.get_or_insert(Taken { ..*taken });
        let beside =
            |own: f64, other: f64| -> Cell { (name != "memokit").then_some(own / other).into() };
        self.table.row(&[
            self.kind.into(),
            name.into(),
            (entries as f64).into(),
            filled.into(),
            churned.into(),
            peak.into(),
            beside(own.filled, filled),
            beside(own.churned, churned),
        ]);
        let last = self.charted.len() - 2;
        self.charted[last].bars.push((name.to_owned(), filled));
        self.charted[last + 1].bars.push((name.to_owned(), churned));
    }

    /// The rivals without an annotation, each gone before the next one comes.
    fn by_hand<K, V>(&mut self, entry: fn(u64) -> (K, V))
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let max = if self.plan.quick { QUICK } else { ENTRIES };
        self.take("quick_cache", || {
            let cache = Rc::new(quick_cache::sync::Cache::new(usize::try_from(max).unwrap_or(0)));
            let counted = Rc::clone(&cache);
            let ask = move |n| {
                let (key, value) = entry(n);
                cache.insert(key, value);
            };
            (ask, move || counted.len() as u64)
        });
        self.take("moka", || {
            let cache = moka::sync::Cache::new(max);
            let counted = cache.clone();
            let ask = move |n| {
                let (key, value) = entry(n);
                cache.insert(key, value);
            };
            let len = move || {
                counted.run_pending_tasks();
                counted.entry_count()
            };
            (ask, len)
        });
        self.take("mutex_map", || {
            let map = Rc::new(Mutex::new(HashMap::new()));
            let counted = Rc::clone(&map);
            let ask = move |n| {
                let (key, value) = entry(n);
                locked(&map).insert(key, value);
            };
            (ask, move || locked(&counted).len() as u64)
        });
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn run(plan: &Plan) -> Result<(), String> {
    allocator::start();
    let table = Table::begin(plan.json, &COLUMNS);
    let mut scales = Scales { plan, table, kind: "", memokit: None, charted: Vec::new() };
    scales.kind("u64");
    scales.take("memokit", || (|n| _ = memo_number(n), || memo_number_memo().len() as u64));
    scales.take("cached", || (|n| _ = cached_number(n), || CACHED_NUMBER.len() as u64));
    scales
        .take("memoize", || (|n| _ = owning::number(n), || owning::memoized_size_number() as u64));
    scales.by_hand(|n| (n, compute(n)));
    scales.kind("text");
    scales.take("memokit", || (|n| _ = memo_text(&text(n)), || memo_text_memo().len() as u64));
    scales.take("cached", || (|n| _ = cached_text(text(n)), || CACHED_TEXT.len() as u64));
    scales.take("memoize", || {
        (|n| _ = owning::text(text(n)), || owning::memoized_size_text() as u64)
    });
    scales.by_hand(|n| (text(n), answer(&text(n))));
    scales.charted.retain(|group| !group.bars.is_empty());
    if scales.charted.is_empty() {
        return Err("no contender of that name".into());
    }
    let title = "Bytes an entry, 1,000,000 of u64 to u64 and of String to String".to_owned();
    let chart = Chart { title, scale: Scale::Linear, groups: scales.charted };
    plan.plot.as_deref().map_or(Ok(()), |folder| chart.write(folder, "memory"))
}

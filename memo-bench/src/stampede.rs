//! Many callers miss on the same new key at once: one computes, the others wait. Also measures hits during such misses.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use memokit::memoize;
use tokio::runtime::Runtime;

use crate::access::mix;
use crate::command::Plan;
use crate::compare::{COLUMNS, show};
use crate::compute::compute;
use crate::measure::Times;
use crate::report::Table;

const THREADS: usize = 16;
const TASKS: usize = 1000;
/// The capacity of each cache. No round has more keys.
const CAPACITY: usize = 10_000;

/// The computation. It takes long enough for other callers to arrive.
fn work(n: u64) -> u64 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_micros(5) {
        std::hint::spin_loop();
    }
    compute(n)
}

async fn work_of_a_task(n: u64) -> u64 {
    tokio::task::yield_now().await;
    work(n)
}

#[memoize(max = 10_000)]
fn threads(n: u64) -> u64 {
    work(n)
}

#[memoize(max = 10_000)]
async fn tasks(n: u64) -> u64 {
    work_of_a_task(n).await
}

type Call = Box<dyn Fn(u64) -> u64 + Send + Sync>;

fn by_threads() -> Vec<(&'static str, Call)> {
    let moka = moka::sync::Cache::new(CAPACITY as u64);
    let quick = quick_cache::sync::Cache::new(CAPACITY);
    vec![
        ("memokit", Box::new(threads)),
        ("quick_cache", Box::new(move |n| get_or_insert(&quick, n))),
        ("moka", Box::new(move |n| moka.get_with(n, || work(n)))),
    ]
}

fn get_or_insert(cache: &quick_cache::sync::Cache<u64, u64>, n: u64) -> u64 {
    let Ok(value) = cache.get_or_insert_with(&n, || Ok::<_, std::convert::Infallible>(work(n)));
    value
}

/// Runs tasks, each of which requests all keys.
type RunTasks = Box<dyn Fn(&Runtime, Range<u64>)>;

macro_rules! run_tasks {
    ($cache:expr, |$shared:ident, $n:ident| $call:expr) => {{
        let cache = $cache;
        Box::new(move |runtime: &Runtime, keys: Range<u64>| {
            let run = |_| {
                let ($shared, keys) = (cache.clone(), keys.clone());
                runtime.spawn(async move {
                    for key in keys {
                        let $n = mix(key);
                        let _ = black_box($call);
                    }
                })
            };
            let tasks: Vec<_> = (0..TASKS).map(run).collect();
            runtime.block_on(async {
                for task in tasks {
                    task.await.expect("a task panicked");
                }
            });
        })
    }};
}

fn by_tasks() -> Vec<(&'static str, RunTasks)> {
    let moka = moka::future::Cache::new(CAPACITY as u64);
    let quick = std::sync::Arc::new(quick_cache::sync::Cache::new(CAPACITY));
    vec![
        ("memokit", run_tasks!((), |_cache, n| tasks(n).await)),
        (
            "quick_cache",
            run_tasks!(quick, |cache, n| {
                let work = async { Ok::<_, std::convert::Infallible>(work_of_a_task(n).await) };
                cache.get_or_insert_async(&n, work).await
            }),
        ),
        ("moka", run_tasks!(moka, |cache, n| cache.get_with(n, work_of_a_task(n)).await)),
    ]
}

/// Returns keys that were never requested before.
fn fresh(count: u64) -> Range<u64> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let first = NEXT.fetch_add(count, Relaxed);
    first..first + count
}

/// Runs threads, each of which requests all keys. Returns the wall time divided by the calls of all threads, in
/// nanoseconds.
fn stampede(call: &Call, count: u64) -> f64 {
    let (start, keys) = (Barrier::new(THREADS + 1), fresh(count));
    let took = thread::scope(|scope| {
        for _ in 0..THREADS {
            let (start, keys) = (&start, keys.clone());
            scope.spawn(move || {
                start.wait();
                keys.for_each(|n| _ = black_box(call(mix(n))));
            });
        }
        start.wait();
        Instant::now()
    })
    .elapsed();
    took.as_nanos() as f64 / (count as f64 * THREADS as f64)
}

/// Returns the nanoseconds per hit of one key while two threads request new keys.
fn hits_during_misses(call: &Call, count: u64) -> f64 {
    let stop = AtomicBool::new(false);
    let hot = mix(u64::MAX);
    call(hot);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    fresh(1).for_each(|n| _ = black_box(call(mix(n))));
                }
            });
        }
        let began = Instant::now();
        (0..count).for_each(|_| _ = black_box(call(black_box(hot))));
        let took = began.elapsed();
        stop.store(true, Relaxed);
        took.as_nanos() as f64 / count as f64
    })
}

/// Runs all contenders in each round, in a different order each time.
fn rounds<C>(
    plan: &Plan,
    contenders: &[(&'static str, C)],
    time: impl Fn(&C) -> f64,
) -> Vec<Times> {
    let count = plan.rounds(3, 15);
    let mut times: Vec<_> =
        contenders.iter().map(|(name, _)| Times { name, rounds: Vec::new() }).collect();
    for round in 0..count {
        for offset in 0..contenders.len() {
            let at = (round + offset) % contenders.len();
            times[at].rounds.push(time(&contenders[at].1));
        }
    }
    times
}

pub(crate) fn compare(plan: &Plan) -> Result<(), String> {
    let scale = if plan.quick { 50 } else { 1 };
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let mut table = Table::begin(plan.json, &COLUMNS);
    let keys = 2000 / scale;
    let threads = by_threads();
    if plan.wants("stampede/threads") {
        show(&mut table, "stampede/threads", &rounds(plan, &threads, |call| stampede(call, keys)));
    }
    if plan.wants("stampede/tasks") {
        let time = |run: &RunTasks| {
            let (began, keys) = (Instant::now(), fresh(keys / 4));
            let calls = (keys.end - keys.start) as f64 * TASKS as f64;
            run(&runtime, keys);
            began.elapsed().as_nanos() as f64 / calls
        };
        show(&mut table, "stampede/tasks", &rounds(plan, &by_tasks(), time));
    }
    if plan.wants("stampede/hits") {
        let hits = 200_000 / scale;
        show(
            &mut table,
            "stampede/hits",
            &rounds(plan, &threads, |call| hits_during_misses(call, hits)),
        );
    }
    Ok(())
}

//! A source that takes longer than any of its callers waits.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use memokit::memoize;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use crate::command::Plan;
use crate::report::{Column, Table};

const COLUMNS: [Column; 5] = [
    Column("case", 16, 0),
    Column("contender", 16, 0),
    Column("calls", 8, 0),
    Column("served", 8, 0),
    Column("starts", 8, 0),
];

const WORK: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_millis(50);
const CALLERS: u32 = 8;

static STARTS: AtomicU64 = AtomicU64::new(0);

async fn source(n: u64) -> u64 {
    STARTS.fetch_add(1, Relaxed);
    sleep(WORK).await;
    n
}

#[memoize]
async fn in_caller(n: u64) -> u64 {
    source(n).await
}

#[memoize(spawn = tokio::spawn)]
async fn spawned(n: u64) -> u64 {
    source(n).await
}

pub(super) fn run(plan: &Plan) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let mut table = Table::begin(plan.json, &COLUMNS);
    let time = Duration::from_millis(if plan.quick { 1000 } else { 3000 });
    let without = runtime.block_on(counts(|| in_caller(1), time));
    let with = runtime.block_on(counts(|| spawned(1), time));
    for (name, [calls, served, starts]) in [("without spawn", without), ("with spawn", with)] {
        let numbers = [calls, served, starts].map(|count| (count as f64).into());
        let [calls, served, starts] = numbers;
        table.row(&["slow/impatient".into(), name.into(), calls, served, starts]);
    }
    let [_, served, starts] = with;
    if served == 0 || starts != 1 {
        return Err(format!("with spawn {served} callers were served by {starts} computations"));
    }
    Ok(())
}

/// Returns how many calls there were, how many of them had a value, and how often the source was asked.
async fn counts<F>(call: impl Fn() -> F + Copy + Send + Sync + 'static, time: Duration) -> [u64; 3]
where
    F: Future<Output = u64> + Send + 'static,
{
    let before = STARTS.load(Relaxed);
    let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let end = Instant::now() + time;
    let callers: Vec<_> = (0..CALLERS)
        .map(|at| {
            let counts = Arc::clone(&counts);
            tokio::spawn(async move {
                sleep(PATIENCE * at / CALLERS).await;
                while Instant::now() < end {
                    let served = timeout(PATIENCE, call()).await.is_ok();
                    counts[0].fetch_add(1, Relaxed);
                    if served {
                        counts[1].fetch_add(1, Relaxed);
                        sleep(PATIENCE).await;
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller panicked");
    }
    [counts[0].load(Relaxed), counts[1].load(Relaxed), STARTS.load(Relaxed) - before]
}

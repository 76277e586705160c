//! Loops of calls of async functions, by tasks of one runtime.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use tokio::runtime::{Builder, Runtime};

use crate::access::mix;
use crate::contender::Contender;

pub(super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be started")
});

/// Returns a contender whose calls are made by this many tasks at once. Each key is requested by one of them only.
pub(super) fn at_once<R: Future<Output = u64> + Send + 'static>(
    name: &'static str,
    tasks: usize,
    keys: &Arc<[u64]>,
    call: impl Fn(u64) -> R + Clone + Send + Sync + 'static,
) -> Contender {
    in_shares(name, tasks, keys, move |keys| one_by_one(keys, call.clone()))
}

/// Returns a contender whose calls for never requested keys are made by one task.
pub(super) fn fresh<R: Future<Output = u64> + Send + 'static>(
    name: &'static str,
    call: impl Fn(u64) -> R + Clone + Send + Sync + 'static,
    prepare: impl Fn() + Send + Sync + 'static,
) -> Contender {
    let next = AtomicU64::new(0);
    let run = move |order: &[u32]| {
        let first = next.fetch_add(order.len() as u64, Relaxed);
        let keys = (first..first + order.len() as u64).map(mix).collect();
        let task = RUNTIME.spawn(one_by_one(keys, call.clone()));
        RUNTIME.block_on(task).expect("a task panicked")
    };
    Contender { name, run: Box::new(run), prepare: Box::new(prepare) }
}

/// Returns a contender with this many tasks, each of which requests its share of the keys as `request` does.
pub(super) fn in_shares<R: Future<Output = u64> + Send + 'static>(
    name: &'static str,
    tasks: usize,
    keys: &Arc<[u64]>,
    request: impl Fn(Vec<u64>) -> R + Send + Sync + 'static,
) -> Contender {
    let keys = Arc::clone(keys);
    let run = move |order: &[u32]| {
        let mut shares = vec![Vec::with_capacity(order.len() / tasks + 1); tasks];
        order.iter().for_each(|&at| shares[at as usize % tasks].push(keys[at as usize]));
        let running: Vec<_> =
            shares.into_iter().map(|share| RUNTIME.spawn(request(share))).collect();
        RUNTIME.block_on(async {
            let mut sum = 0_u64;
            for task in running {
                sum = sum.wrapping_add(task.await.expect("a task panicked"));
            }
            sum
        })
    };
    Contender { name, run: Box::new(run), prepare: Box::new(|| ()) }
}

async fn one_by_one<R: Future<Output = u64>>(keys: Vec<u64>, call: impl Fn(u64) -> R) -> u64 {
    let mut sum = 0_u64;
    for key in keys {
        sum = sum.wrapping_add(call(key).await);
    }
    sum
}

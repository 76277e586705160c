//! The time that hits of annotated functions with `policy = "cost"` save. Their bodies take as long as a result costs,
//! so that the cache measures it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{LazyLock, RwLock};
use std::time::{Duration, Instant};

use super::functions::{self, functions};
use super::trace::Trace;
use crate::compute::{compute, computed};

/// A result that costs a second takes a millisecond.
const SCALE: f64 = 1e-3;

/// What the results of the trace cost, in seconds.
static COSTS: LazyLock<RwLock<Vec<f64>>> = LazyLock::new(RwLock::default);

/// Takes as long as the result costs.
fn spend(id: u64) -> u64 {
    let began = Instant::now();
    let costs = COSTS.read().expect("no thread panics with the lock");
    let cost = usize::try_from(id).ok().and_then(|id| costs.get(id)).copied().unwrap_or(0.0);
    let time = Duration::from_secs_f64(cost * SCALE);
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
    compute(id)
}

functions! {
    BY_COST, "cost", spend, a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7 c0 c1 c2 c3 c4 c5 c6 c7
}

/// The functions of one trace, one for each capacity.
pub(super) struct Functions(&'static [functions::Function]);

impl Functions {
    /// Takes functions that no trace has.
    pub(super) fn next(count: usize) -> Result<Self, String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let first = NEXT.fetch_add(count, Relaxed);
        let some = BY_COST.get(first..first + count);
        some.map(Self).ok_or_else(|| "at most 6 traces can be replayed in one run".to_owned())
    }

    /// Returns the time that hits of the function at this place save, as a part of the time that all requests would take.
    pub(super) fn saved(&self, at: usize, trace: &Trace, capacity: usize, costs: &[f64]) -> f64 {
        functions::set_max(capacity);
        *COSTS.write().expect("no thread panics with the lock") = costs.to_vec();
        let function = &self.0[at];
        (function.clear)();
        let (mut saved, mut all) = (0.0, 0.0);
        for &id in &trace.requests {
            let before = computed();
            std::hint::black_box((function.call)(id.into()));
            let cost = costs[id as usize];
            all += cost;
            // A hit is a call that computed nothing.
            saved += if computed() == before { cost } else { 0.0 };
        }
        saved / all
    }
}

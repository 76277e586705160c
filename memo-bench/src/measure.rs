//! Measures in rounds. All contenders run in each round, so that a disturbance of the machine affects all of them.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

use crate::access::Access;
use crate::cases::{Case, Expected};
use crate::command::Plan;
use crate::compute::computed;
use crate::contender::Contender;

/// The times of one contender: nanoseconds per call, one number for each round.
pub(crate) struct Times {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<f64>,
}

impl Times {
    pub(crate) fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    pub(crate) fn spread(&self) -> (f64, f64) {
        let least = self.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.rounds.iter().copied().fold(0.0, f64::max))
    }

    /// Returns the median of the ratios of the rounds. The two times in a ratio are from the same round, so they were
    /// measured shortly after each other.
    pub(crate) fn ratio(&self, rival: &Self) -> f64 {
        median(self.rounds.iter().zip(&rival.rounds).map(|(own, other)| own / other).collect())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Returns the times of every contender of `case`, memokit's first.
pub(crate) fn measure(case: &Case, plan: &Plan) -> Result<Vec<Times>, String> {
    let keys = if plan.quick { case.keys.min(1000) } else { case.keys };
    let calls = if plan.quick { case.calls.min(2000) } else { case.calls };
    let rounds = plan.rounds(3, 15);
    let contenders = (case.contenders)(keys);
    let orders: Vec<_> =
        (0..case.threads).map(|thread| case.access.order(keys, calls, 1 + thread as u64)).collect();
    let filling = Access::Once.order(keys, if plan.quick { keys } else { case.fill }, 0);
    for contender in &contenders {
        for _ in 0..2 {
            black_box((contender.run)(&filling));
        }
    }
    warm_up(case, &contenders, &orders)?;
    let mut times: Vec<_> = contenders
        .iter()
        .map(|contender| Times { name: contender.name, rounds: Vec::with_capacity(rounds) })
        .collect();
    for round in 0..rounds {
        for offset in 0..contenders.len() {
            // The order changes in each round, so that the state of the machine that one contender leaves
            // does not always affect the same other one.
            let at = (round + offset) % contenders.len();
            times[at].rounds.push(time(&contenders[at], &orders) / calls as f64);
        }
    }
    Ok(times)
}

/// Runs one round without measuring its time. Fails if the contenders have different results, or compute in a case of
/// hits, or do not compute at each call in a case of misses.
fn warm_up(case: &Case, contenders: &[Contender], orders: &[Vec<u32>]) -> Result<(), String> {
    let mut sums = Vec::new();
    for contender in contenders {
        (contender.prepare)();
        let before = computed();
        sums.push((contender.run)(&orders[0]));
        let computed = computed() - before;
        let wrong = match case.expected {
            Expected::Hits => computed > 0,
            Expected::Misses => computed < orders[0].len() as u64,
            Expected::Either => false,
        };
        if wrong {
            return Err(format!("{}: {} computed {computed} times", case.name, contender.name));
        }
    }
    match sums.iter().position(|sum| *sum != sums[0]) {
        None => Ok(()),
        Some(at) => Err(format!(
            "{}: the results of {} differ from those of memokit",
            case.name, contenders[at].name
        )),
    }
}

/// Returns the nanoseconds from the start of the first thread to the end of the last one.
fn time(contender: &Contender, orders: &[Vec<u32>]) -> f64 {
    (contender.prepare)();
    if let [order] = orders {
        let began = Instant::now();
        black_box((contender.run)(black_box(order)));
        return began.elapsed().as_nanos() as f64;
    }
    let ready = Barrier::new(orders.len());
    let spans: Vec<_> = std::thread::scope(|scope| {
        let run = |order| {
            ready.wait();
            let began = Instant::now();
            black_box((contender.run)(black_box(order)));
            (began, Instant::now())
        };
        let threads: Vec<_> = orders.iter().map(|order| scope.spawn(move || run(order))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread panicked")).collect()
    });
    let began = spans.iter().map(|span| span.0).min().expect("a thread");
    let ended = spans.iter().map(|span| span.1).max().expect("a thread");
    (ended - began).as_nanos() as f64
}

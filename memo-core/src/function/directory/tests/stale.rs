//! Tests that results on disk are served stale as those in memory are.

use std::task::Waker;

use super::*;
use crate::function::computation::{Computation, Elsewhere};
use crate::function::entry::Layer;
use crate::function::function_cache::NextStep;
use crate::function::loaded::Stored;
use crate::function::waiter::Waiter;
use crate::single_flight::flight::WaitOutcome;
use crate::statistics::explanation::Explanation;

const MINUTE: Duration = Duration::from_secs(60);

/// Returns the cache of a process that starts now. Its results live for a minute, and may be served for an hour more.
fn start(folder: &TestDirectory) -> Process {
    let function = folder.core_with(|settings| settings.ttl(MINUTE).stale(60 * MINUTE));
    function.maintenance.begin(&CACHES, || Weak::<FunctionCache<Numbers>>::new());
    assert!(function.recover());
    Process(Some(function))
}

/// Returns a folder with a result that is over since two minutes. Clocks have stopped.
fn with_stale(name: &str) -> TestDirectory {
    let folder = TestDirectory::new(name);
    clock::steps::stop();
    compute(&start(&folder), 1);
    pass(3 * MINUTE);
    folder
}

fn join_or_lead(function: &FunctionCache<Numbers>, n: u32) -> NextStep<u32> {
    let key = key(n);
    let bytes = key.bytes().unwrap();
    function.claim_or_join(function.hash_key(bytes).unwrap(), bytes, &[])
}

/// Returns the value that a call serves while another computes, or the one that it returns itself.
fn served(function: &FunctionCache<Numbers>, n: u32) -> Option<u32> {
    match join_or_lead(function, n) {
        NextStep::Value(value) => Some(value),
        NextStep::Join(_) => panic!("nobody else computes"),
        NextStep::Lead(claim) => {
            let older = function.older(claim, false);
            function.abandon(claim);
            older
        }
    }
}

fn explained(function: &FunctionCache<Numbers>, n: u32) -> Explanation {
    let key = key(n);
    let bytes = key.bytes().unwrap();
    function.explain(function.hash_key(bytes).unwrap(), bytes)
}

fn pass(time: Duration) {
    clock::steps::pass(clock::millis(time));
}

#[test]
fn a_result_that_has_expired_is_served_stale_after_a_restart_and_a_snapshot() {
    let folder = TestDirectory::new("stale-restart");
    clock::steps::stop();
    compute(&start(&folder), 1);
    for _ in 0..2 {
        pass(3 * MINUTE);
        let process = start(&folder);
        assert_eq!(found(&process, 1), None, "it is not fresh");
        assert_eq!(served(&process, 1), Some(1));
        assert_eq!(process.memory.count(), 1, "memory has it");
        process.snapshot().unwrap();
    }
    pass(55 * MINUTE);
    let process = start(&folder);
    assert_eq!(served(&process, 1), None, "an hour and a minute have passed");
    process.snapshot().unwrap();
    assert_eq!(process.stats().disk_bytes, start(&TestDirectory::new("empty")).stats().disk_bytes);
}

#[test]
fn an_entry_and_an_explanation_say_how_long_a_result_on_disk_is_served() {
    let folder = with_stale("stale-told");
    let process = start(&folder);
    let over = |ago, left: Option<u32>| Explanation::Over {
        ago: ago * MINUTE,
        stale_for: left.map(|left| left * MINUTE),
    };
    assert_eq!(explained(&process, 1), over(2, Some(58)));
    let key = key(1);
    let bytes = key.bytes().unwrap();
    let entry = process.entry(process.hash_key(bytes).unwrap(), bytes).unwrap();
    assert_eq!((entry.is_stale(), entry.layer(), *entry.value()), (true, Layer::Disk, 1));
    assert_eq!((entry.age(), entry.left()), (Some(3 * MINUTE), Some(58 * MINUTE)));
    pass(58 * MINUTE);
    assert_eq!(explained(&process, 1), over(60, None));
    assert!(process.entry(process.hash_key(bytes).unwrap(), bytes).is_none());
}

#[test]
fn what_has_expired_is_judged_too() {
    let folder = with_stale("stale-judged");
    let mut seen = Vec::new();
    start(&folder).judge_stored(&mut |_, value| seen.push(value));
    assert_eq!(seen, [1]);
}

#[test]
fn a_shorter_ttl_counts_for_what_was_stored_before() {
    let folder = TestDirectory::new("stale-ttl");
    clock::steps::stop();
    compute(&start(&folder), 1);
    let process = start(&folder);
    process.set_ttl(Some(Duration::ZERO));
    assert_eq!((found(&process, 1), served(&process, 1)), (None, Some(1)));
}

fn lead(function: &FunctionCache<Numbers>, n: u32) -> Computation<Numbers> {
    match join_or_lead(function, n) {
        NextStep::Lead(claim) => Computation::lead(function, claim),
        _ => panic!("nobody has a value or computes one"),
    }
}

#[test]
fn one_process_computes_what_is_stale_for_all() {
    let folder = with_stale("stale-shared");
    let (one, two) = (start(&folder), start(&folder));
    let key = key(1);
    let look = |computation: &mut Computation<Numbers>| {
        computation.look_elsewhere(key.bytes().unwrap(), Waker::noop(), Waiter::Thread)
    };
    let (mut first, mut second) = (lead(&one, 1), lead(&two, 1));
    assert!(matches!(look(&mut first), Elsewhere::Compute));
    assert!(matches!(look(&mut second), Elsewhere::Found(1)), "the older value");
    first.finish(&9, |_| true);
    drop((first, second));
    pass(MINUTE / 60);
    assert_eq!(served(&two, 1), Some(9), "what the other process has computed");
    assert_eq!((one.stats().misses, two.stats().misses), (1, 0));
}

#[test]
fn who_waits_for_a_stale_value_looks_again() {
    let folder = with_stale("stale-waited");
    let process = start(&folder);
    let key = key(1);
    let bytes = key.bytes().unwrap();
    let hash = process.hash_key(bytes).unwrap();
    let claim = process.memory.take_over(hash, bytes, None);
    let NextStep::Join(flight) = join_or_lead(&process, 1) else { panic!("it is claimed") };
    assert!(matches!(process.load(claim, bytes), Stored::Older));
    let waited = flight.wait(Duration::from_secs(1));
    assert!(matches!(waited, WaitOutcome::Nothing));
}

/// Otherwise a source that is down would be asked each time that the entry has left memory.
#[test]
fn reading_a_stale_result_again_is_no_success() {
    let folder = with_stale("stale-retried");
    let process = start(&folder);
    let mut leads = 0;
    for _ in 0..3 {
        if let NextStep::Lead(claim) = join_or_lead(&process, 1) {
            leads += 1;
            process.memory.postpone(claim);
            process.abandon(claim);
        }
        process.memory.set_max(0);
        process.memory.set_max(10);
        assert_eq!(process.memory.count(), 0);
    }
    assert_eq!(leads, 1);
}

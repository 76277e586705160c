//! The advice of functions with `advise`.

use std::rc::Rc;
use std::thread;
use std::time::Duration;

use memokit::{Advice, Finding, memoize};

use crate::tasks::block_on;

/// Asks for the keys below `keys` in turn.
fn cycle(keys: u64, rounds: u64, mut call: impl FnMut(u64)) {
    (0..rounds).for_each(|_| (0..keys).for_each(&mut call));
}

#[track_caller]
fn assert_step(advice: &Advice, at: u64, ratio: f64) {
    let (before, after) = (advice.hit_ratio_at(at - 1), advice.hit_ratio_at(at));
    assert!(before < 0.01 && (after - ratio).abs() < 0.01, "{before} {after}");
}

#[test]
fn the_advice_names_the_capacity_that_would_help() {
    #[memoize(max = 100, advise)]
    fn squared(n: u64) -> u64 {
        n * n
    }
    assert!(squared_memo().stats().advice.is_none(), "nothing is known yet");
    cycle(250, 3, |n| _ = squared(n));
    assert!(squared_memo().stats().advice.is_none(), "too little is known");
    cycle(250, 17, |n| _ = squared(n));
    let stats = squared_memo().stats();
    assert_eq!((stats.hits, stats.misses), (0, 5000));
    let advice = stats.advice.expect("enough is known");
    assert_step(&advice, 250, 0.95);
    assert_eq!((advice.capacity, advice.sampled, advice.lost), (Some(100), 5000, 0));
    assert!(advice.hit_ratio < 0.01, "{advice:?}");
    // 0.95 of the part of the keys that stay.
    let (policy, adaptive) = of_other_policy(&advice).expect("by LRU nothing hits");
    assert!(policy == "adaptive" && (0.3..0.4).contains(&adaptive), "{adaptive}");
    let bound = "max = 100 gives 0 %; 250 would give 95 %; beyond that nothing";
    assert_eq!(
        advice.to_string(),
        format!("{bound}; policy = \"adaptive\" would give {:.0} %", adaptive * 100.0)
    );
    let report = memokit::report().to_string();
    let mut lines = report.lines().skip_while(|line| !line.contains("squared"));
    assert_eq!(lines.nth(1), Some(format!("  {advice}").as_str()), "{report}");
    let json = serde_json::to_value(&advice).expect("advice can be serialized");
    assert_eq!((&json["unit"], &json["capacity"]), (&"entries".into(), &100.into()));
}

#[test]
fn the_estimate_is_the_hit_ratio_that_a_cache_then_has() {
    #[memoize(max = 64, advise)]
    fn observed(n: u64) -> u64 {
        n
    }
    let keys = || (0..20_000_u64).map(|at| (at * at * 7 + at / 3) % 300 * ((at % 5) / 2) / 2);
    keys().for_each(|n| _ = observed(n));
    let stats = observed_memo().stats();
    let advice = stats.advice.clone().expect("enough is known");
    assert!((stats.hit_ratio() - advice.hit_ratio).abs() < 0.01, "{} {advice}", stats.hit_ratio());
    assert!(advice.hit_ratio > 0.2 && advice.hit_ratio < 0.95, "{advice}");
}

#[test]
fn the_advice_is_about_the_policy_that_the_cache_has() {
    #[memoize(max = 100, policy = "adaptive", advise)]
    fn adaptive(n: u64) -> u64 {
        n
    }
    cycle(250, 60, |n| _ = adaptive(n));
    let stats = adaptive_memo().stats();
    let advice = stats.advice.clone().expect("enough is known");
    // By LRU nothing hits among fewer than 250.
    assert!((stats.hit_ratio() - advice.hit_ratio).abs() < 0.02, "{} {advice}", stats.hit_ratio());
    assert!(advice.hit_ratio > 0.3 && advice.hit_ratio_at(200) > 0.6, "{advice}");
    assert!(advice.hit_ratio_at(250) > 0.98, "{advice}");
}

/// The hit ratio that the advice of a function says of another policy.
fn of_other_policy(advice: &Advice) -> Option<(&'static str, f64)> {
    advice.findings.iter().find_map(|finding| match finding {
        Finding::OtherPolicy { policy, hit_ratio } => Some((*policy, *hit_ratio)),
        _ => None,
    })
}

#[test]
fn the_advice_names_a_policy_that_would_hit_more() {
    #[memoize(max = 100, advise)]
    fn by_recency(n: u64) -> u64 {
        n
    }
    #[memoize(max = 100, policy = "adaptive")]
    fn adaptive(n: u64) -> u64 {
        n
    }
    let both = |n| _ = (by_recency(n), adaptive(n));
    cycle(250, 60, both);
    let advice = || by_recency_memo().stats().advice.expect("enough is known");
    let (policy, said) = of_other_policy(&advice()).expect("by LRU nothing hits");
    let hit_ratio = adaptive_memo().stats().hit_ratio();
    assert!(policy == "adaptive" && (said - hit_ratio).abs() < 0.02, "{said} {hit_ratio}");
    let text = advice().to_string();
    assert!(
        text.contains(&format!("; policy = \"adaptive\" would give {:.0} %", said * 100.0)),
        "{text}"
    );

    // By another bound, of the calls after the change.
    by_recency_memo().set_max(60);
    adaptive_memo().set_max(60);
    let before = adaptive_memo().stats();
    // So long that it does not count how each of them adapts at first.
    cycle(250, 400, both);
    let (_, said) = of_other_policy(&advice()).expect("by LRU nothing hits");
    let hit_ratio = adaptive_memo().stats_since(&before).hit_ratio();
    assert!((said - hit_ratio).abs() < 0.05, "{said} {hit_ratio}");
}

#[test]
fn another_policy_is_judged_by_the_calls_since_the_bound_is_what_it_is() {
    #[memoize(max = 1000, advise)]
    fn lowered(n: u64) -> u64 {
        n
    }
    #[memoize(advise)]
    fn unbounded(n: u64) -> u64 {
        n
    }
    let both = |n| _ = (lowered(n), unbounded(n));
    let named = || {
        [lowered_memo(), unbounded_memo()].map(|memo| {
            let advice = memo.stats().advice.expect("enough is known");
            of_other_policy(&advice)
        })
    };
    // All that comes again hits.
    cycle(250, 60, both);
    [lowered_memo(), unbounded_memo()].iter().for_each(|memo| memo.set_max(10));
    cycle(10, 2, both);
    assert_eq!(named(), [None, None], "too few calls tell of the new bound");
    cycle(250, 20, both);
    // Any policy keeps 10 of 250 keys.
    let hit_ratios = named().map(|named| named.map_or(0.0, |(_, hit_ratio)| hit_ratio));
    assert!(hit_ratios.iter().all(|hit_ratio| *hit_ratio < 0.05), "{hit_ratios:?}");
}

#[test]
fn the_advice_names_lru_where_it_would_hit_more() {
    #[memoize(max = 300, policy = "adaptive", advise)]
    fn drifting(n: u64) -> u64 {
        n
    }
    // Keys of a window that moves on: of each, only the latest uses matter.
    let mut state = 1_u64;
    for n in 0..200_000_u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        drifting(n / 20 + (state >> 33) % 280);
    }
    let advice = drifting_memo().stats().advice.expect("enough is known");
    let (policy, said) = of_other_policy(&advice).expect("LRU holds all of a window");
    assert!(policy == "lru" && said > 0.9 && said > advice.hit_ratio, "{advice}");
}

#[test]
fn a_function_without_the_argument_gives_no_advice() {
    #[memoize(max = 10)]
    fn plain(n: u64) -> u64 {
        n
    }
    cycle(20, 200, |n| _ = plain(n));
    assert!(plain_memo().stats().advice.is_none());
}

#[test]
fn weights_are_the_unit_with_max_bytes() {
    #[memoize(max_bytes = "10KiB", weigh = |text| text.len(), advise)]
    fn padded(n: u64) -> String {
        format!("{n:01024}")
    }
    cycle(40, 100, |n| _ = padded(n));
    let advice = padded_memo().stats().advice.expect("enough is known");
    // Within the 0.4 % of a step of the curve.
    let [before, after] = [39 << 10, 41 << 10].map(|capacity| advice.hit_ratio_at(capacity));
    assert!(before < 0.01 && after > 0.98, "{before} {after}");
    let text = advice.to_string();
    let bound =
        "max_bytes = \"10KiB\" gives 0 %; \"41KiB\" would give 99 %; beyond that nothing; policy";
    assert!(text.starts_with(bound), "{text}");
}

#[test]
fn keys_that_never_repeat_are_found() {
    #[memoize(max = 100, advise)]
    fn fresh(n: u64) -> u64 {
        n
    }
    cycle(5000, 1, |n| _ = fresh(n));
    let advice = fresh_memo().stats().advice.expect("enough is known");
    assert!(matches!(*advice.findings, [Finding::KeysNeverRepeat { .. }]), "{advice:?}");
    let text = advice.to_string();
    assert_eq!(
        text,
        "max = 100 gives 0 %, and no capacity more; 0 % of the calls have arguments that were seen before"
    );
}

#[test]
fn a_ttl_that_ends_before_reuse_is_found() {
    // The wait is for a clock, and a longer one finds the same.
    #[memoize(ttl = "1ms", advise)]
    fn short(n: u64) -> u64 {
        n
    }
    #[memoize(ttl = "1h", advise)]
    fn long(n: u64) -> u64 {
        n
    }
    for _ in 0..3 {
        (0..500).for_each(|n| _ = (short(n), long(n)));
        thread::sleep(Duration::from_millis(30));
    }
    let advice = short_memo().stats().advice.expect("enough is known");
    assert!(
        matches!(*advice.findings, [Finding::TtlEndsBeforeReuse { late }] if late > 0.9),
        "{advice}"
    );
    assert!(advice.hit_ratio < 0.1, "{advice}");
    let advice = long_memo().stats().advice.expect("enough is known");
    assert!(advice.findings.is_empty() && advice.hit_ratio > 0.6, "{advice}");
}

#[test]
fn a_bound_that_is_not_used_is_found() {
    #[memoize(max = 1000, advise)]
    fn roomy(n: u64) -> u64 {
        n
    }
    cycle(100, 50, |n| _ = roomy(n));
    let advice = roomy_memo().stats().advice.expect("enough is known");
    let found = [Finding::BoundUnused { needed: 100, unit: advice.unit }];
    assert_eq!(*advice.findings, found, "{advice}");
    assert_eq!(
        advice.to_string(),
        "max = 1000 gives 98 %; beyond 100 nothing; max = 100 is enough"
    );
}

#[test]
fn hits_that_cost_more_than_computing_are_found() {
    #[memoize(max = 2000, advise)]
    fn length(bytes: &[u8]) -> usize {
        bytes.len()
    }
    #[memoize(max = 2000, advise)]
    fn slow(n: u64) -> u64 {
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_micros(50) {}
        n
    }
    let mut bytes = vec![7; 60_000];
    cycle(1200, 3, |n| {
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        length(&bytes);
        slow(n);
    });
    let advice = length_memo().stats().advice.expect("enough is known");
    assert!(matches!(*advice.findings, [Finding::HitsCostMore { .. }]), "{advice}");
    let advice = slow_memo().stats().advice.expect("enough is known");
    assert!(advice.findings.is_empty(), "{advice}");
}

#[test]
fn threads_lose_few_samples_and_count_them() {
    #[memoize(max = 100, advise)]
    fn shared(n: u64) -> u64 {
        n
    }
    thread::scope(|scope| {
        (0..4).for_each(|_| _ = scope.spawn(|| cycle(500, 20, |n| _ = shared(n))));
    });
    let stats = shared_memo().stats();
    let advice = stats.advice.expect("enough is known");
    assert_eq!(advice.sampled + advice.lost, 40_000);
    assert_eq!(stats.hits + stats.misses, 40_000);
    assert!(advice.hit_ratio_at(500) > 0.9, "{advice}");
}

#[test]
fn invalidated_results_hit_in_no_cache() {
    #[memoize(max = 1000, advise)]
    fn removed(n: u64) -> u64 {
        n
    }
    cycle(500, 4, |n| {
        removed(n);
        removed_memo().invalidate(&removed_key(n));
    });
    let advice = removed_memo().stats().advice.expect("enough is known");
    assert_eq!((advice.hit_ratio_at(u64::MAX), advice.findings.len()), (0.0, 0), "{advice}");
}

#[test]
fn results_that_are_not_cached_hit_in_no_cache() {
    #[memoize(advise)]
    fn failing(n: u64) -> Result<u64, u64> {
        Err(n)
    }
    cycle(500, 4, |n| _ = failing(n));
    let advice = failing_memo().stats().advice.expect("enough is known");
    assert_eq!(advice.hit_ratio_at(u64::MAX), 0.0, "{advice}");
    assert_eq!(advice.to_string(), "no bound gives 0 %, and no capacity more");
}

#[test]
fn each_thread_has_advice_of_its_own() {
    #[memoize(scope = "thread", max = 10, advise)]
    fn local(n: u64) -> Rc<u64> {
        Rc::new(n)
    }
    cycle(20, 100, |n| _ = local(n));
    assert_step(&local_memo().stats().advice.expect("enough is known"), 20, 0.99);
    let other = thread::spawn(|| local_memo().stats().advice.is_none());
    assert!(other.join().expect("the thread does not panic"));
}

#[test]
fn instances_and_tasks_give_advice() {
    #[memoize(max = 10, advise)]
    fn generic<T: Into<u64> + serde::Serialize + 'static>(n: T) -> u64 {
        n.into()
    }
    #[memoize(max = 10, advise, verify = 0.1)]
    async fn task(n: u64) -> u64 {
        std::future::ready(n).await
    }
    cycle(20, 100, |n| _ = (generic(n), block_on(task(n))));
    assert_step(&generic_memo::<u64>().stats().advice.expect("enough is known"), 20, 0.99);
    assert!(generic_memo::<u8>().stats().advice.is_none());
    assert_step(&task_memo().stats().advice.expect("enough is known"), 20, 0.99);
}

#[test]
fn a_result_that_is_only_on_disk_is_no_hit_in_memory() {
    // What an earlier run has left there does no harm.
    const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/advice");
    #[memoize(max = 10, persist = FOLDER, durability = "os", max_disk = "1MiB", advise)]
    fn stored(n: u64) -> u64 {
        n
    }
    cycle(20, 100, |n| _ = stored(n));
    let stats = stored_memo().stats();
    assert!(stats.disk_hits > 1000, "{stats}");
    assert_step(&stats.advice.expect("enough is known"), 20, 0.99);
}

//! `explain` says how a key stands, and why it is not held.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use memokit::{Bound, Explanation, Refusal, Remover, memoize};
use serde::{Deserialize, Serialize};

use crate::support::{folder, processes, restarts, shared as shared_folder, wait_until};

#[test]
fn a_key_is_held_over_and_expired() {
    #[memoize(ttl = "1h", idle = "1h", explain)]
    fn held(n: u32) -> u32 {
        n
    }
    #[memoize]
    fn timeless(n: u32) -> u32 {
        n
    }
    #[memoize(ttl = "1ms", stale = "1h", explain)]
    fn stale(n: u32) -> u32 {
        n
    }
    #[memoize(ttl = "1ms", explain)]
    fn brief(n: u32) -> u32 {
        n
    }
    let hits = held(1) + timeless(1) + stale(1) + brief(1);
    assert_eq!(hits, 4);
    let Explanation::Held { age: Some(age), left: Some(left), .. } =
        held_memo().explain(&held_key(1))
    else {
        panic!("it is held")
    };
    let hour = Duration::from_secs(3600);
    assert!(age < hour && left <= hour && left > hour / 2, "{age:?} {left:?}");
    let found = timeless_memo().explain(&timeless_key(1));
    assert!(matches!(found, Explanation::Held { age: None, left: None, .. }), "{found:?}");
    wait_until("the entry is over", || stale_memo().is_empty());
    let found = stale_memo().explain(&stale_key(1));
    assert!(matches!(found, Explanation::Over { stale_for: Some(_), .. }), "{found:?}");
    assert!(found.to_string().starts_with("over since "), "{found}");
    wait_until("the entry is removed", || brief_memo().stats().entries == 0);
    let found = brief_memo().explain(&brief_key(1));
    assert!(matches!(found, Explanation::Expired { .. }), "{found:?}");
    // Nothing of this counts as a call or as a use.
    assert_eq!((held_memo().stats().hits, held_memo().stats().misses), (0, 1));
}

#[test]
fn evictions_name_their_bound() {
    #[memoize(max = 2, explain)]
    fn few(n: u32) -> u32 {
        n
    }
    #[memoize(max_bytes = 20, weigh = |n| *n as usize, explain)]
    fn light(n: u32) -> u32 {
        n
    }
    (1..4).for_each(|n| _ = few(n));
    [9, 10, 11, 30].into_iter().for_each(|n| _ = light(n));
    let found = few_memo().explain(&few_key(1));
    assert!(matches!(found, Explanation::Evicted { bound: Bound::Max, .. }), "{found:?}");
    assert!(found.to_string().ends_with("to make room within `max`"), "{found}");
    let found = light_memo().explain(&light_key(9));
    assert!(matches!(found, Explanation::Evicted { bound: Bound::MaxBytes, .. }), "{found:?}");
    let found = light_memo().explain(&light_key(30));
    assert!(matches!(found, Explanation::NotKept { why: Refusal::Room, .. }), "{found:?}");
    assert_eq!(few_memo().explain(&few_key(9)), Explanation::NeverSeen);
    few_memo().set_max(1);
    let found = few_memo().explain(&few_key(2));
    assert!(matches!(found, Explanation::Evicted { bound: Bound::Max, .. }), "{found:?}");
    assert_eq!(few(1), 1);
    assert!(matches!(few_memo().explain(&few_key(1)), Explanation::Held { .. }), "it came back");
}

#[test]
fn removals_name_what_removed() {
    #[memoize(explain)]
    fn held(n: u32) -> u32 {
        n
    }
    let by = |n| match held_memo().explain(&held_key(n)) {
        Explanation::Invalidated { by, .. } => by,
        other => panic!("{other}"),
    };
    (0..9).for_each(|n| _ = held(n));
    assert!(held_memo().invalidate(&held_key(1)));
    assert_eq!(by(1), Remover::Invalidate);
    held_memo().retain(|_, n| *n != 2);
    assert_eq!(by(2), Remover::Retain);
    held_memo().clear();
    assert_eq!((by(1), by(2), by(3)), (Remover::Invalidate, Remover::Retain, Remover::Clear));
    assert_eq!(held_memo().explain(&held_key(77)), Explanation::NeverSeen);
}

#[test]
fn what_is_removed_while_it_is_computed_says_so() {
    #[memoize(explain)]
    fn removing(n: u32) -> u32 {
        match n {
            1 => _ = removing_memo().invalidate(&removing_key(1)),
            2 => removing_memo().clear(),
            _ => removing_memo().retain(|_, _| true),
        }
        n
    }
    let by = |n| match removing_memo().explain(&removing_key(n)) {
        Explanation::Invalidated { by, .. } => by,
        other => panic!("{other}"),
    };
    (1..4).for_each(|n| _ = removing(n));
    assert_eq!((by(1), by(2), by(3)), (Remover::Invalidate, Remover::Clear, Remover::Retain));
}

#[test]
fn the_removal_of_what_was_never_there_pushes_nothing_out() {
    #[memoize(max = 1, explain = 3)]
    fn one(n: u32) -> u32 {
        n
    }
    (1..3).for_each(|n| _ = one(n));
    (10..20).for_each(|n| _ = one_memo().invalidate(&one_key(n)));
    assert_eq!(one_memo().explain(&one_key(10)), Explanation::NeverSeen);
    let found = one_memo().explain(&one_key(1));
    assert!(matches!(found, Explanation::Evicted { .. }), "{found:?}");
}

#[test]
fn results_that_are_not_kept_say_why() {
    #[memoize(explain, cache_if = |n| n.is_ok_and(|n| n < 10))]
    fn some(n: u32) -> Result<u32, u32> {
        assert!(n != 5, "on purpose");
        if n == 0 { Err(n) } else { Ok(n) }
    }
    assert_eq!((some(0), some(10)), (Err(0), Ok(10)));
    assert!(catch_unwind(|| some(5)).is_err());
    let why = |n| match some_memo().explain(&some_key(n)) {
        Explanation::NotKept { why, .. } => why,
        other => panic!("{other}"),
    };
    assert_eq!((why(0), why(10), why(5)), (Refusal::Error, Refusal::CacheIf, Refusal::Unfinished));
}

#[test]
fn a_key_is_being_computed() {
    static OPEN: AtomicBool = AtomicBool::new(false);
    #[memoize(explain)]
    fn gated(n: u32) -> u32 {
        wait_until("the gate opens", || OPEN.load(Relaxed));
        n
    }
    thread::scope(|scope| {
        scope.spawn(|| gated(1));
        wait_until("the leader computes", || gated_memo().computing() == 1);
        assert_eq!(gated_memo().explain(&gated_key(1)), Explanation::Computing);
        // Its value will not be kept, and that is known before it ends.
        assert!(!gated_memo().invalidate(&gated_key(1)));
        OPEN.store(true, Relaxed);
    });
    let found = gated_memo().explain(&gated_key(1));
    assert!(matches!(found, Explanation::Invalidated { by: Remover::Invalidate, .. }), "{found:?}");
}

#[test]
fn a_key_that_is_nearly_the_same_is_named() {
    #[memoize(explain)]
    fn quote(symbol: &str, (amount, _): (u32, u8), opts: &[u8]) -> usize {
        symbol.len() + amount as usize + opts.len()
    }
    #[memoize]
    fn plain(symbol: &str, amount: u32) -> String {
        format!("{symbol} {amount}")
    }
    quote("ACME", (3, 1), &[]);
    quote("Other", (9, 1), &[1]);
    let found = quote_memo().explain(&quote_key("ACME", (4, 1), &[]));
    let Explanation::Similar { argument, asked, held, others, .. } = &found else {
        panic!("{found:?}")
    };
    assert_eq!((&**argument, &**asked, &**held, *others), ("`(amount, _)`", "[4, 1]", "[3, 1]", 0));
    let text = quote_memo().explain(&quote_key("acme", (3, 1), &[])).to_string();
    let expected =
        "not held, but a key is held whose argument `symbol` is \"ACME\" in place of \"acme\"";
    assert_eq!(text, expected);
    plain("ACME", 1);
    let found = plain_memo().explain(&plain_key("ACME", 2));
    let Explanation::Similar { argument, .. } = &found else { panic!("{found:?}") };
    assert_eq!(argument, "2", "without `explain` it has no name");
    let found = plain_memo().explain(&plain_key("Xylo", 2));
    assert_eq!(found, Explanation::NotRemembered { departures: 0 });
}

#[test]
fn as_many_departures_are_remembered_as_is_said() {
    const LAST: usize = 3;
    #[memoize(max = 1, explain = LAST)]
    fn one(n: u32) -> u32 {
        n
    }
    (0..3).for_each(|n| _ = one(n));
    assert_eq!(one_memo().explain(&one_key(99)), Explanation::NeverSeen);
    (3..6).for_each(|n| _ = one(n));
    for n in 2..5 {
        assert!(matches!(one_memo().explain(&one_key(n)), Explanation::Evicted { .. }), "{n}");
    }
    assert_eq!(one_memo().explain(&one_key(1)), Explanation::NotRemembered { departures: LAST });
    assert_eq!(one_memo().explain(&one_key(99)), Explanation::NotRemembered { departures: LAST });
}

#[test]
fn long_keys_and_keys_that_are_none() {
    #[memoize(explain)]
    fn sum(bytes: &[u16]) -> usize {
        bytes.len()
    }
    let long = vec![3; 50_000];
    sum(&long);
    assert!(matches!(sum_memo().explain(&sum_key(&long)), Explanation::Held { .. }));
    sum_memo().invalidate(&sum_key(&long));
    assert!(matches!(sum_memo().explain(&sum_key(&long)), Explanation::Invalidated { .. }));

    #[derive(Serialize)]
    struct Deep(Vec<Deep>);
    #[memoize]
    fn depth(deep: &Deep) -> usize {
        deep.0.len()
    }
    let deep = (0..400).fold(Deep(vec![]), |inner, _| Deep(vec![inner]));
    assert_eq!(depth_memo().explain(&depth_key(&deep)), Explanation::Unkeyable);
}

#[test]
fn a_result_is_on_disk_and_not_in_memory() {
    #[memoize(persist = folder(), durability = "os", explain)]
    fn stored(n: u32) -> u32 {
        n
    }
    restarts!(|| assert_eq!(stored(1), 1), || {
        assert_eq!(stored_memo().explain(&stored_key(1)), Explanation::Stored);
        assert_eq!(stored_memo().stats().hits, 0, "it is not read into memory");
        assert_eq!(stored(1), 1);
        assert!(matches!(stored_memo().explain(&stored_key(1)), Explanation::Held { .. }));
    },);
}

/// A type that has become stricter than what it has written before.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "u32")]
struct Strict(u32);

impl TryFrom<u32> for Strict {
    type Error = String;

    fn try_from(n: u32) -> Result<Self, String> {
        let refuses = std::env::var_os("MEMOKIT_TEST_STRICT").is_some() && n > 1000;
        if refuses { Err("too large".to_owned()) } else { Ok(Self(n)) }
    }
}

#[test]
fn a_stored_result_that_cannot_be_decoded_is_discarded() {
    #[memoize(persist = folder(), durability = "os", explain)]
    fn strict(n: u32) -> Strict {
        Strict(n)
    }
    let processes = processes!(|| _ = strict(5000), || {
        let found = strict_memo().explain(&strict_key(5000));
        let expected = "value that its type could not decode".to_owned();
        assert!(
            matches!(&found, Explanation::Discarded { reason, .. } if *reason == expected),
            "{found:?}"
        );
    },);
    processes.run(0);
    crate::support::run_test(processes.command(1).env("MEMOKIT_TEST_STRICT", "1"));
}

#[test]
fn what_another_process_removes_is_told_apart() {
    #[memoize(persist = folder(), durability = "os", explain)]
    fn shared(n: u32) -> u32 {
        n
    }
    let processes = processes!(
        || {
            shared(1);
            let there = shared_folder().join("removed");
            std::fs::write(shared_folder().join("computed"), []).unwrap();
            wait_until("the other process has removed it", || there.exists());
            let found = shared_memo().explain(&shared_key(1));
            let is_theirs = matches!(found, Explanation::Invalidated { by: Remover::Process, .. });
            assert!(is_theirs, "{found:?}");
        },
        || {
            shared_memo().invalidate(&shared_key(1));
        },
    );
    let (computed, removed) =
        (processes.shared.path().join("computed"), processes.shared.path().join("removed"));
    let holder = processes.command(0).spawn().unwrap();
    wait_until("the first process has computed it", || computed.exists());
    processes.run(1);
    std::fs::write(removed, []).unwrap();
    assert!(crate::support::wait(holder).success());
}

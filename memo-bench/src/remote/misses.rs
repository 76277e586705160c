//! One result after the other that is nowhere: it is looked for, computed and written.

use super::by_hand::{OfTasks, OfThread};
use super::found::SMALL;
use super::memoized::{self, missed, missed_by_task};
use super::tasks;
use super::value::number;
use crate::access::Access;
use crate::cases::{Case, Contenders, Expected};
use crate::contender::Contender;

pub(super) fn cases(quick: bool) -> Vec<Case> {
    let cases: [(_, Contenders); 2] =
        [("miss/sync/100 bytes", by_thread), ("miss/async/100 bytes", by_task)];
    let calls = if quick { 200 } else { 2000 };
    let case = |(name, contenders): (&str, _)| Case {
        name: name.to_owned(),
        keys: calls,
        access: Access::Once,
        threads: 1,
        calls,
        fill: calls,
        expected: Expected::Misses,
        contenders,
    };
    cases.map(case).into()
}

// What memokit has to write yet does not disturb the next contender: each begins once it is written.

fn by_thread(_: usize) -> Vec<Contender> {
    let redis = OfThread::connect();
    let by_hand = move |n| number(&redis.find_or_make(SMALL, n));
    vec![
        Contender::fresh("memokit", |n| number(&missed(SMALL, n)), memoized::flush),
        Contender::fresh("redis", by_hand, memoized::flush),
    ]
}

fn by_task(_: usize) -> Vec<Contender> {
    let call = |n| async move { number(&missed_by_task(SMALL, n).await) };
    let redis = OfTasks::connect();
    let by_hand = move |n| {
        let redis = redis.clone();
        async move { number(&redis.find_or_make(SMALL, n).await) }
    };
    vec![
        tasks::fresh("memokit", call, memoized::flush),
        tasks::fresh("redis", by_hand, memoized::flush),
    ]
}

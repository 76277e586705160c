//! One result after the other that is in the tier and not in memory.

use std::sync::Arc;

use super::by_hand::{OfTasks, OfThread};
use super::memoized::{self, sought, sought_by_task};
use super::tasks;
use super::value::number;
use crate::access::{Access, mix};
use crate::cases::{Case, Contenders, Expected};
use crate::contender::Contender;

/// Lengths of results.
pub(super) const SMALL: usize = 100;
const MIDDLE: usize = 1 << 10;
const LARGE: usize = 64 << 10;

/// Keys that are requested in turn.
const KEYS: usize = 1000;

pub(super) fn cases(quick: bool) -> Vec<Case> {
    let cases: [(_, Contenders); 6] = [
        ("found/sync/100 bytes", by_thread::<SMALL>),
        ("found/sync/1 KiB", by_thread::<MIDDLE>),
        ("found/sync/64 KiB", by_thread::<LARGE>),
        ("found/async/100 bytes", by_task::<SMALL>),
        ("found/async/1 KiB", by_task::<MIDDLE>),
        ("found/async/64 KiB", by_task::<LARGE>),
    ];
    let (keys, calls) = if quick { (100, 200) } else { (KEYS, 2000) };
    let case = |(name, contenders): (&str, _)| Case {
        name: name.to_owned(),
        keys,
        access: Access::Once,
        threads: 1,
        calls,
        fill: keys,
        expected: Expected::Hits,
        contenders,
    };
    cases.map(case).into()
}

fn by_thread<const LEN: usize>(count: usize) -> Vec<Contender> {
    let keys: Arc<[u64]> = (0..count as u64).map(mix).collect();
    let redis = OfThread::connect().fill(LEN, &keys);
    let found = move |&n: &u64| number(&redis.find(LEN, n).expect("it was written"));
    let memokit = Contender::over("memokit", &keys, |&n| number(&sought(LEN, n)));
    vec![
        Contender { prepare: Box::new(memoized::flush), ..memokit },
        Contender::over("redis", &keys, found),
    ]
}

fn by_task<const LEN: usize>(count: usize) -> Vec<Contender> {
    let keys: Arc<[u64]> = (0..count as u64).map(mix).collect();
    seeking(LEN, 1, &keys)
}

/// Returns the contenders that seek results by this many tasks.
pub(super) fn seeking(len: usize, tasks: usize, keys: &Arc<[u64]>) -> Vec<Contender> {
    let call = move |n| async move { number(&sought_by_task(len, n).await) };
    let memokit = tasks::at_once("memokit", tasks, keys, call);
    let redis = OfTasks::connect().fill(len, keys);
    let get = move |n| {
        let redis = redis.clone();
        async move { number(&redis.find(len, n).await.expect("it was written")) }
    };
    vec![
        Contender { prepare: Box::new(memoized::flush), ..memokit },
        tasks::at_once("redis", tasks, keys, get),
        #[cfg(feature = "engines")]
        super::fred::seeking(len, tasks, keys),
        #[cfg(feature = "engines")]
        super::cached::seeking(len, tasks, keys),
    ]
}

//! Hits in memory of a function that has a tier, beside the same function without one.

use std::sync::Arc;

use super::memoized::{self, held, local, local_too};
use crate::access::{Access, mix};
use crate::cases::{Case, Expected};
use crate::contender::Contender;

pub(super) fn case() -> Case {
    Case {
        name: "hit/u64".to_owned(),
        keys: 1000,
        access: Access::Uniform,
        threads: 1,
        calls: 100_000,
        fill: 1000,
        expected: Expected::Hits,
        contenders,
    }
}

fn contenders(count: usize) -> Vec<Contender> {
    let keys: Arc<[u64]> = (0..count as u64).map(mix).collect();
    let memokit = Contender::over("memokit", &keys, |&n| held(n));
    vec![
        Contender { prepare: Box::new(memoized::flush), ..memokit },
        Contender::over("without a tier", &keys, |&n| local(n)),
        Contender::over("without, once more", &keys, |&n| local_too(n)),
    ]
}

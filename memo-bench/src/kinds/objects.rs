//! `fn(&self, u64) -> u64` with `scope = "instance"`.

use std::sync::Arc;

use memokit::{Cache, memoize};

use super::SMALL_MAX;
use crate::access::mix;
use crate::compute::compute;
use crate::contender::Contender;

#[derive(Default)]
struct Object {
    cache: Cache,
}

macro_rules! methods {
    ($($name:ident)*) => {
        impl Object {
            $(
                #[memoize(max = 2000, scope = "instance")]
                fn $name(&self, n: u64) -> u64 {
                    compute(n)
                }
            )*
        }
    };
}

methods!(first second third fourth fifth sixth seventh eighth);

/// Hits of the only method that was called of an object.
pub(crate) fn one(count: usize) -> Vec<Contender> {
    let object = Object::default();
    vec![Contender::over("memokit", &keys(count), move |&n| object.first(n))]
}

/// Hits of the method that was called last of eight.
pub(crate) fn eight(count: usize) -> Vec<Contender> {
    let object = Object::default();
    let others = [
        Object::first,
        Object::second,
        Object::third,
        Object::fourth,
        Object::fifth,
        Object::sixth,
        Object::seventh,
    ];
    for method in others {
        method(&object, 0);
    }
    vec![Contender::over("memokit", &keys(count), move |&n| object.eighth(n))]
}

fn keys(count: usize) -> Arc<[u64]> {
    debug_assert!(count <= SMALL_MAX);
    (0..count as u64).map(mix).collect()
}

//! Annotated functions that replay a trace, one for each capacity. Its cache is created with the bound, as in a user's
//! program, and is never resized.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The bound of the next function that is called for the first time.
static MAX: AtomicUsize = AtomicUsize::new(0);

pub(super) struct Function {
    pub(super) call: fn(u64) -> u64,
    pub(super) clear: fn(),
}

/// Sets the bound of the next function that is called for the first time.
pub(super) fn set_max(max: usize) {
    MAX.store(max, Relaxed);
}

pub(super) fn max() -> usize {
    MAX.load(Relaxed)
}

/// Defines functions with a policy and a body.
macro_rules! functions {
    ($functions:ident, $policy:literal, $body:path, $($name:ident)*) => {
        $(mod $name {
            use super::*;

            #[memokit::memoize(max = crate::hits::functions::max(), policy = $policy)]
            pub(super) fn call(id: u64) -> u64 {
                $body(id)
            }

            pub(super) fn clear() {
                call_memo().clear();
            }
        })*
        const $functions: &[crate::hits::functions::Function] =
            &[$(crate::hits::functions::Function { call: $name::call, clear: $name::clear }),*];
    };
}
pub(super) use functions;

//! Code without lint warnings stays without them when it is memoized. The clippy lints take effect when clippy checks
//! the tests.
#![deny(
    unused,
    unsafe_op_in_unsafe_fn,
    clippy::used_underscore_binding,
    clippy::no_effect_underscore_binding,
    clippy::shadow_reuse,
    clippy::shadow_same
)]

use crate::tasks::block_on;
use memokit::memoize;

#[test]
fn lint_attributes_of_parameters_apply() {
    #[memoize]
    async fn task(
        #[allow(unused_variables)] a: u32,
        #[expect(unused_variables)] b: u32,
        #[cfg_attr(all(), allow(unused_variables))] c: u32,
        #[allow(unused_mut)] mut d: u32,
        #[allow(unused_variables)] (e, f): (u32, u32),
    ) -> u32 {
        d + e
    }
    #[memoize]
    fn function(
        #[allow(unused_variables)] a: u32,
        #[expect(unused_variables)] b: u32,
        #[cfg_attr(all(), allow(unused_variables))] c: u32,
        #[allow(unused_mut)] mut d: u32,
        #[allow(unused_variables)] (e, f): (u32, u32),
    ) -> u32 {
        d + e
    }
    assert_eq!(block_on(task(1, 2, 3, 4, (5, 6))), 9);
    assert_eq!(function(1, 2, 3, 4, (5, 6)), 9);
}

#[test]
fn unused_parameters_may_begin_with_an_underscore() {
    #[derive(Clone, serde::Serialize)]
    struct Shop;
    impl Shop {
        #[memoize]
        fn method(&self, _a: u32) -> u32 {
            1
        }
        #[memoize]
        async fn task(&self, _a: u32) -> u32 {
            std::future::ready(2).await
        }
    }
    #[memoize]
    fn function(_a: u32, mut b: u32) -> u32 {
        b += 1;
        b
    }
    #[memoize]
    async fn task(_a: u32, mut b: u32) -> u32 {
        b += 1;
        std::future::ready(b).await
    }
    assert_eq!((Shop.method(1), block_on(Shop.task(1))), (1, 2));
    assert_eq!((function(1, 2), block_on(task(1, 3))), (3, 4));
}

macro_rules! with_body {
    ($name:ident, $body:block) => {
        #[memoize]
        fn $name(a: u32) -> u32 {
            let _ = a;
            $body
        }
    };
}

with_body!(three, { 3 });

#[test]
fn a_macro_may_provide_the_body() {
    assert_eq!((three(1), three_uncached(1)), (3, 3));
}

#[test]
fn a_format_string_uses_the_parameters_that_it_names() {
    #[memoize(key = format!("{a:>width$}"))]
    fn keyed(a: u32, width: usize, b: u32) -> u32 {
        b
    }
    assert_eq!((keyed(1, 2, 3), keyed(1, 2, 4), keyed(1, 3, 4)), (3, 3, 4));
}

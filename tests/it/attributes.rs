//! Attributes, qualifiers, visibility and names of a memoized function keep their meaning.

use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

#[memoize]
unsafe fn length(pointer: usize, len: usize) -> usize {
    // SAFETY: the test passes a pointer to at least `len` live bytes.
    unsafe { std::slice::from_raw_parts(pointer as *const u8, len) }.len()
}

#[test]
fn unsafe_functions_stay_unsafe() {
    let bytes = [1u8, 2, 3];
    // SAFETY: each call reads at most the three bytes of `bytes`, which is alive.
    unsafe {
        let pointer = bytes.as_ptr() as usize;
        assert_eq!((length(pointer, 3), length(pointer, 3)), (3, 3));
        assert_eq!(length_uncached(pointer, 2), 2);
    }
    assert_eq!(length_memo().stats().hits, 1);
    let _: unsafe fn(usize, usize) -> usize = length;
}

#[memoize]
extern "C" fn foreign(n: u32) -> u32 {
    n + 1
}

#[test]
fn extern_functions_keep_their_abi() {
    let pointer: extern "C" fn(u32) -> u32 = foreign;
    assert_eq!((pointer(1), pointer(1)), (2, 2));
    assert_eq!(foreign_memo().stats().hits, 1);
}

#[memoize]
#[unsafe(export_name = "memokit_it_exported")]
extern "C" fn exported(n: u32) -> u32 {
    n + 2
}

#[test]
fn an_exported_symbol_is_the_memoized_function() {
    unsafe extern "C" {
        fn memokit_it_exported(n: u32) -> u32;
    }
    // SAFETY: the symbol is the function above, which is safe and has this signature.
    assert_eq!(unsafe { (memokit_it_exported(1), memokit_it_exported(1)) }, (3, 3));
    assert_eq!((exported(1), exported_memo().stats().misses), (3, 1));
}

#[memoize]
#[unsafe(no_mangle)]
pub extern "C" fn memokit_it_not_mangled(n: u32) -> u32 {
    n + 3
}

#[test]
fn an_unmangled_symbol_is_the_memoized_function() {
    mod linked {
        unsafe extern "C" {
            pub(super) fn memokit_it_not_mangled(n: u32) -> u32;
        }
    }
    // SAFETY: the symbol is the function above, which is safe and has this signature.
    assert_eq!(unsafe { (linked::memokit_it_not_mangled(1), memokit_it_not_mangled(1)) }, (4, 4));
    assert_eq!(memokit_it_not_mangled_memo().stats().hits, 1);
}

#[memoize]
#[track_caller]
fn caller(_n: u32) -> u32 {
    Location::caller().line()
}

struct Place;

impl Place {
    #[memoize(skip(self))]
    #[track_caller]
    fn caller(&self, _n: u32) -> u32 {
        Location::caller().line()
    }
}

#[test]
fn track_caller_reports_the_original_caller() {
    assert_eq!(caller(1), line!());
    assert_eq!(Place.caller(1), line!());
    assert_eq!(caller_uncached(1), line!());
    let cached = caller(2);
    assert_eq!(caller(2), cached);
}

mod lints {
    #![deny(warnings, deprecated, unused_must_use, missing_docs)]

    #[memokit::memoize]
    #[deprecated = "use another"]
    pub(super) fn old(n: u32) -> u32 {
        n
    }

    #[memokit::memoize]
    #[must_use = "it is expensive"]
    #[inline(never)]
    pub(super) fn expensive(n: u32) -> u32 {
        n
    }

    /// Documented.
    #[memokit::memoize]
    #[doc(hidden)]
    #[doc = "Twice."]
    #[cfg(not(any()))]
    #[cfg_attr(all(), inline)]
    pub fn documented(n: u32) -> u32 {
        n
    }

    #[memokit::memoize]
    #[cfg(any())]
    pub fn absent(n: u32) -> NoSuchType {
        no_such_function(n)
    }

    #[memokit::memoize]
    #[expect(unused_variables)]
    #[expect(clippy::needless_return)]
    pub(super) fn expecting(n: u32) -> u32 {
        return 1;
    }
}

#[test]
#[deny(unfulfilled_lint_expectations)]
fn attributes_apply_where_they_belong() {
    #[expect(deprecated)]
    let old = lints::old(1);
    assert_eq!((old, lints::old_memo().len()), (1, 1));
    #[expect(unused_must_use)]
    lints::expensive(1);
    #[expect(unused_must_use)]
    lints::expensive_uncached(1);
    assert_eq!((lints::expensive(1), lints::expensive_memo().stats().hits), (1, 1));
    assert_eq!((lints::documented(1), lints::documented_memo().len()), (1, 1));
    assert_eq!(lints::expecting(1), 1);
}

#[test]
fn memoize_works_between_other_attributes() {
    #[inline]
    #[memoize]
    #[allow(clippy::let_and_return)]
    fn between(n: u32) -> u32 {
        #![allow(unused_mut)]
        let mut out = n;
        out
    }
    assert_eq!((between(1), between(1)), (1, 1));
    assert_eq!(between_memo().stats().hits, 1);
}

#[test]
fn attributes_of_parameters_are_applied() {
    #[memoize]
    fn shaped(
        #[cfg(not(any()))] a: u32,
        #[cfg(any())] b: NoSuchType,
        #[allow(unused)] c: u32,
    ) -> u32 {
        a
    }
    assert_eq!((shaped(1, 2), shaped(1, 2), shaped(1, 3)), (1, 1, 1));
    assert_eq!((shaped_memo().stats().hits, shaped_memo().len()), (1, 2));
    assert_eq!(shaped_memo().get(&shaped_key(1, 3)), Some(1));
}

mod visible {
    pub(crate) mod inner {
        #[memokit::memoize]
        pub fn open(n: u32) -> u32 {
            n
        }

        #[memokit::memoize]
        pub(in crate::attributes) fn within(n: u32) -> u32 {
            n
        }

        #[memokit::memoize]
        pub(super) fn above(n: u32) -> u32 {
            n
        }
    }

    pub(super) fn above(n: u32) -> (u32, usize) {
        (inner::above(n), inner::above_memo().len())
    }
}

#[test]
fn companions_are_as_visible_as_the_function() {
    use visible::inner;
    assert_eq!((inner::open(1), inner::open_memo().len()), (1, 1));
    assert_eq!((inner::within(1), inner::within_uncached(1)), (1, 1));
    assert_eq!(inner::within_memo().get(&inner::within_key(1)), Some(1));
    assert_eq!(visible::above(1), (1, 1));
}

#[test]
fn raw_identifiers_are_accepted() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(skip(r#type))]
    fn r#match(r#fn: u32, r#type: u32, mut r#mut: u32) -> u32 {
        RUNS.fetch_add(1, Relaxed);
        r#mut += 1;
        r#fn + r#type + r#mut
    }
    assert_eq!((r#match(1, 2, 3), r#match(1, 9, 3), r#match(2, 2, 3)), (7, 7, 8));
    assert_eq!(RUNS.load(Relaxed), 2);
    assert_eq!(match_memo().get(&match_key(1, 3)), Some(7));
    assert_eq!(match_uncached(1, 1, 1), 4);
    assert!(match_memo().stats().name.ends_with("attributes::match"));
}

//! An expansion has the same meaning in any context: beside items named `std`, `Result` or `Site`, and under the
//! strictest lints.

/// A module without a prelude, where every lint is an error.
#[deny(warnings, missing_docs, unused, unreachable_pub, clippy::pedantic, let_underscore_drop)]
pub mod strict {
    #![no_implicit_prelude]

    /// A function that uses many arguments of the attribute.
    #[::memokit::memoize(
        max = 10,
        ttl = "1h",
        cache_if = |text| !text.is_empty(),
        skip(skipped),
        version = 1,
        name = "strict"
    )]
    #[must_use]
    pub fn all(text: &str, skipped: &str, (a, b): (u8, u8)) -> ::std::string::String {
        ::std::format!("{text}{skipped}{a}{b}")
    }

    /// A function that returns a `Result`.
    ///
    /// # Errors
    /// At zero.
    #[::memokit::memoize(cache_err = "1s")]
    pub fn errors(n: u32) -> ::std::result::Result<u32, u32> {
        if n == 0 { ::std::result::Result::Err(n) } else { ::std::result::Result::Ok(n) }
    }

    /// A function whose name would be a keyword.
    #[::memokit::memoize]
    #[must_use]
    pub fn type_(n: u32) -> u32 {
        n
    }

    /// A type with a method.
    #[allow(missing_copy_implementations)]
    pub struct Place {
        /// Its number.
        pub number: u32,
    }

    impl Place {
        /// A method.
        #[::memokit::memoize(key = (self.number, n))]
        #[must_use]
        pub fn method(&self, n: u32) -> u32 {
            self.number + n
        }

        /// A function.
        #[::memokit::memoize]
        #[must_use]
        pub fn associated(n: u32) -> ::std::option::Option<u32> {
            n.checked_sub(1)
        }
    }
}

#[test]
fn an_expansion_compiles_without_a_prelude_and_under_all_lints() {
    assert_eq!(strict::all("a", "b", (1, 2)), "ab12");
    assert_eq!(strict::all("a", "c", (1, 2)), "ab12");
    assert_eq!(strict::type_(1), 1);
    assert_eq!(strict::errors(0), Err(0));
    assert_eq!(strict::Place { number: 1 }.method(2), 3);
    assert_eq!(strict::Place::associated(0), None);
    assert_eq!(strict::Place::associated_memo().len(), 1);
}

/// A module in which the names that an expansion might use mean something else.
#[allow(unused, non_camel_case_types, non_upper_case_globals, clippy::all)]
mod shadowed {
    pub(super) mod std {}
    pub(super) mod core {}
    pub(super) mod alloc {}
    pub(super) mod memokit {}
    pub(super) mod serde {}
    type Result<T> = (T, T);
    type Option = u8;
    type String = ();
    type Vec = ();
    type Box = ();
    type u64 = ::std::string::String;
    type usize = i8;
    type bool = ();
    type str = ();
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    trait Fn {}
    trait FnOnce {}
    trait Clone {}
    trait Copy {}
    trait Drop {}
    trait Into {}
    trait From {}
    trait Sized_ {}
    trait Send {}
    trait Sync {}
    struct Site;
    struct Origin;
    struct Settings;
    struct Instance;
    struct Lookup;
    struct Miss;
    struct Probe;
    struct Argument;
    struct Duration;
    struct Durability;
    struct Memo;
    struct Key;
    fn key() {}
    fn persisted() {}
    fn drop() {}
    const found: u8 = 0;
    const value: u8 = 0;
    const miss: u8 = 0;
    static SITE: u8 = 0;

    macro_rules! concat {
        ($($any:tt)*) => {
            compile_error!("the user's")
        };
    }
    macro_rules! module_path {
        ($($any:tt)*) => {
            compile_error!("the user's")
        };
    }
    macro_rules! line {
        ($($any:tt)*) => {
            compile_error!("the user's")
        };
    }
    macro_rules! file {
        ($($any:tt)*) => {
            compile_error!("the user's")
        };
    }
    macro_rules! column {
        ($($any:tt)*) => {
            compile_error!("the user's")
        };
    }

    #[::memokit::memoize(max = 3, ttl = "1h", version = 1)]
    pub(super) fn plain(n: u32) -> Result<u32> {
        (n, n)
    }

    #[::memokit::memoize(cache_err = "1s")]
    pub(super) fn errors(n: u32) -> ::std::result::Result<u32, u32> {
        ::std::result::Result::Err(n)
    }

    #[::memokit::memoize(cache_if = |_| true, skip(b))]
    pub(super) fn parts((a, _): (u32, u32), b: u32, c: &[u8]) -> ::std::string::String {
        ::std::format!("{a}{b}{}", c.len())
    }

    pub(super) struct Own(pub(super) u32);

    impl Own {
        #[::memokit::memoize(key = self.0)]
        pub(super) fn method(&self) -> u32 {
            self.0
        }
    }
}

#[test]
fn an_expansion_ignores_shadowed_names() {
    for _ in 0..2 {
        assert_eq!(shadowed::plain(1), (1, 1));
        assert_eq!(shadowed::errors(1), Err(1));
        assert_eq!(shadowed::parts((1, 2), 3, &[0]), "131");
        assert_eq!(shadowed::Own(4).method(), 4);
    }
    assert_eq!(shadowed::plain_memo().stats().hits, 1);
    assert_eq!(shadowed::errors_memo().stats().hits, 1);
    assert_eq!(shadowed::parts_memo().stats().hits, 1);
    assert_eq!(shadowed::Own::method_memo().stats().hits, 1);
}

/// Functions and parameters that have the names of items and variables of an expansion.
mod parameters {
    use memokit::memoize;

    #[memoize]
    pub(super) fn lookup(lookup: u32) -> u32 {
        lookup + 1
    }

    #[memoize(key = (found, value, miss, key))]
    #[allow(clippy::too_many_arguments)]
    pub(super) fn keep(
        found: u32,
        value: u32,
        miss: u32,
        key: u32,
        memo: u32,
        site: u32,
        keep: u32,
        element: u32,
    ) -> u32 {
        found + value + miss + key + memo + site + keep + element
    }

    #[memoize]
    pub(super) fn memokit(memokit: u32, probe: u32, std: u32, core: u32) -> u32 {
        memokit + probe + std + core
    }

    #[memoize]
    pub(super) fn key(key: u32, #[cfg(not(any()))] __key: u32) -> u32 {
        key + __key
    }

    #[memoize]
    pub(super) fn memo(memo_memo: u32, memo_key: u32) -> u32 {
        memo_memo + memo_key
    }
}

#[test]
fn parameters_may_have_the_names_of_the_function_and_the_expansion() {
    for _ in 0..2 {
        assert_eq!(parameters::lookup(1), 2);
        assert_eq!(parameters::keep(1, 2, 3, 4, 5, 6, 7, 8), 36);
        assert_eq!(parameters::memokit(1, 2, 3, 4), 10);
        assert_eq!(parameters::key(1, 2), 3);
        assert_eq!(parameters::memo(1, 2), 3);
    }
    assert_eq!(parameters::lookup_memo().stats().hits, 1);
    assert_eq!(parameters::keep_memo().stats().hits, 1);
    assert_eq!(parameters::memokit_memo().stats().hits, 1);
    assert_eq!(parameters::key_memo().stats().hits, 1);
    assert_eq!(parameters::memo_memo().stats().hits, 1);
}

#[test]
fn a_body_sees_only_its_own_names() {
    const __MEMOKIT: u32 = 1;
    fn helper() -> u32 {
        10
    }
    #[memokit::memoize]
    fn body(n: u32) -> u32 {
        fn helper() -> u32 {
            20
        }
        let (found, value, miss, key) = (n, n, n, n);
        found + value + miss + key + helper() + __MEMOKIT
    }
    assert_eq!((body(1), body(1), helper()), (25, 25, 10));
}

/// These are separate programs, because an error in one would keep all tests from compiling.
#[test]
fn names_that_an_expansion_imports_can_be_reused() {
    trybuild::TestCases::new().pass("tests/it/hygiene/*.rs");
}

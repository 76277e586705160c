fn seed(a: u32, b: &str) -> u64 {
    let __memokit_answer = {
        use ::memokit::__private::{self as __memokit, probe::*};
        __memokit::site! {
            __MEMOKIT_SITE, own "::seed", 5867223723896889902u64,
            139179632342198880186192830430997973742u128, __memokit::Settings::new()
        }
        __memokit::Site::memo(
                &__MEMOKIT_SITE,
                __memokit::Instance::within(&|| ()),
                __memokit::keep!(u64),
            )
            .lookup(&(__memokit::element!(a), (__memokit::element!(b), ())))
    };
    match __memokit_answer {
        ::memokit::__private::Answer::Hit(__memokit_value) => __memokit_value,
        ::memokit::__private::Answer::Miss(__memokit_turn) => {
            __memokit_turn.keep((move || -> u64 { plant(a, b) })())
        }
    }
}
/// The cache of `seed`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
fn seed_memo() -> ::memokit::Memo<u64> {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::site! {
        __MEMOKIT_SITE, own "::seed", 5867223723896889902u64,
        139179632342198880186192830430997973742u128, __memokit::Settings::new()
    }
    __memokit::Site::memo(
            &__MEMOKIT_SITE,
            __memokit::Instance::beside(&|| ()),
            __memokit::keep!(u64),
        )
        .handle()
}
/// The key under which the result of this call of `seed` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
fn seed_key(a: u32, b: &str) -> ::memokit::Key {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::key(&(__memokit::element!(a), (__memokit::element!(b), ())))
}
/// `seed` as written: computes, and neither reads nor fills the cache.
#[allow(
    dead_code,
    unreachable_pub,
    non_snake_case,
    clippy::missing_const_for_fn,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::missing_safety_doc
)]
#[inline]
fn seed_uncached(a: u32, b: &str) -> u64 {
    plant(a, b)
}

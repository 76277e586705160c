fn mix((a, mut b): (u8, u8)) -> u8 {
    let __memokit_answer = {
        use ::memokit::__private::{self as __memokit, probe::*};
        __memokit::site! {
            __MEMOKIT_SITE, own "::mix", 8756507279632793135u64,
            148749312835266624163827391715220373994u128, __memokit::Settings::new()
        }
        __memokit::Site::memo(
                &__MEMOKIT_SITE,
                __memokit::Instance::within(&|| ()),
                __memokit::keep!(u8),
            )
            .lookup(&(__memokit::element!(a + b), ()))
    };
    match __memokit_answer {
        ::memokit::__private::Answer::Hit(__memokit_value) => __memokit_value,
        ::memokit::__private::Answer::Miss(__memokit_turn) => {
            __memokit_turn
                .keep(
                    (move || -> u8 {
                        b += a;
                        b
                    })(),
                )
        }
    }
}
/// The cache of `mix`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
fn mix_memo() -> ::memokit::Memo<u8> {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::site! {
        __MEMOKIT_SITE, own "::mix", 8756507279632793135u64,
        148749312835266624163827391715220373994u128, __memokit::Settings::new()
    }
    __memokit::Site::memo(
            &__MEMOKIT_SITE,
            __memokit::Instance::beside(&|| ()),
            __memokit::keep!(u8),
        )
        .handle()
}
/// The key under which the result of this call of `mix` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
fn mix_key((a, mut b): (u8, u8)) -> ::memokit::Key {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::key(&(__memokit::element!(a + b), ()))
}
/// `mix` as written: computes, and neither reads nor fills the cache.
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
fn mix_uncached((a, mut b): (u8, u8)) -> u8 {
    b += a;
    b
}

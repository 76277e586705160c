#[track_caller]
#[unsafe(no_mangle)]
extern "C" fn blame(r#mod: u32) -> u32 {
    let __memokit_answer = {
        use ::memokit::__private::{self as __memokit, probe::*};
        __memokit::site! {
            __MEMOKIT_SITE, own "::blame", 17584697606136167169u64,
            84193535701055776252750605011799920459u128, __memokit::Settings::new()
        }
        __memokit::Site::memo(
                &__MEMOKIT_SITE,
                __memokit::Instance::within(&|| ()),
                __memokit::keep!(u32),
            )
            .lookup(&(__memokit::element!(r#mod), ()))
    };
    match __memokit_answer {
        ::memokit::__private::Answer::Hit(__memokit_value) => __memokit_value,
        ::memokit::__private::Answer::Miss(__memokit_turn) => {
            __memokit_turn
                .keep({
                    #[track_caller]
                    extern "C" fn __memokit_blame(r#mod: u32) -> u32 {
                        here()
                    }
                    __memokit_blame(r#mod)
                })
        }
    }
}
/// The cache of `blame`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
fn blame_of_memo() -> ::memokit::Memo<u32> {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::site! {
        __MEMOKIT_SITE, own "::blame", 17584697606136167169u64,
        84193535701055776252750605011799920459u128, __memokit::Settings::new()
    }
    __memokit::Site::memo(
            &__MEMOKIT_SITE,
            __memokit::Instance::beside(&|| ()),
            __memokit::keep!(u32),
        )
        .handle()
}
/// The key under which the result of this call of `blame` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
fn blame_of_key(r#mod: u32) -> ::memokit::Key {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::key(&(__memokit::element!(r#mod), ()))
}
#[track_caller]
/// `blame` as written: computes, and neither reads nor fills the cache.
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
extern "C" fn blame_of_uncached(r#mod: u32) -> u32 {
    here()
}

/// The price of a share.
pub fn quote(symbol: &str, opts: &QuoteOptions) -> Result<Quote, ApiError> {
    let __memokit_answer = {
        use ::memokit::__private::{self as __memokit, probe::*};
        __memokit::site! {
            __MEMOKIT_SITE, own "::quote", 3290763420350999314u64,
            158689094871336110977530060689377641312u128, __memokit::Settings::new()
            .max(1000usize).ttl(__memokit::Duration::from_millis(30000u64))
            .persist("cache/quotes", __memokit::Durability::Interval)
        }
        __memokit::Site::memo(
                &__MEMOKIT_SITE,
                __memokit::Instance::within(&|| ()),
                __memokit::persisted(__memokit::keep!(Result < Quote, ApiError >)),
            )
            .lookup(&(__memokit::element!(symbol), (__memokit::element!(opts), ())))
    };
    match __memokit_answer {
        ::memokit::__private::Answer::Hit(__memokit_value) => __memokit_value,
        ::memokit::__private::Answer::Miss(__memokit_turn) => {
            __memokit_turn
                .keep(
                    (move || -> Result<Quote, ApiError> {
                        let answer = ask(symbol, opts)?;
                        parse(answer)
                    })(),
                )
        }
    }
}
/// The cache of `quote`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
pub fn quote_memo() -> ::memokit::Memo<Result<Quote, ApiError>> {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::site! {
        __MEMOKIT_SITE, own "::quote", 3290763420350999314u64,
        158689094871336110977530060689377641312u128, __memokit::Settings::new()
        .max(1000usize).ttl(__memokit::Duration::from_millis(30000u64))
        .persist("cache/quotes", __memokit::Durability::Interval)
    }
    __memokit::Site::memo(
            &__MEMOKIT_SITE,
            __memokit::Instance::beside(&|| ()),
            __memokit::persisted(__memokit::keep!(Result < Quote, ApiError >)),
        )
        .handle()
}
/// The key under which the result of this call of `quote` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
pub fn quote_key(symbol: &str, opts: &QuoteOptions) -> ::memokit::Key {
    use ::memokit::__private::{self as __memokit, probe::*};
    __memokit::key(&(__memokit::element!(symbol), (__memokit::element!(opts), ())))
}
/// `quote` as written: computes, and neither reads nor fills the cache.
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
pub fn quote_uncached(symbol: &str, opts: &QuoteOptions) -> Result<Quote, ApiError> {
    let answer = ask(symbol, opts)?;
    parse(answer)
}

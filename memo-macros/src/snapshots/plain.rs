/// The price of a share.
pub fn quote(symbol: &str, opts: &QuoteOptions) -> Result<Quote, ApiError> {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::quote" beside
        __MEMOKIT_NOT_IN_IMPL_3290763420350999314, 3290763420350999314,
        0x77626870766553a2a06feaf52124c360, function(), [Result < Quote, ApiError >]
        .max(1000usize).ttl_millis(30000).persist("cache/quotes")) .followed().lookup(&
        (__memokit::element!(symbol), (__memokit::element!(opts), ())))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
                    (move |
                        #[allow(clippy::shadow_reuse)]
                        symbol: &str,
                        #[allow(clippy::shadow_reuse)]
                        opts: &QuoteOptions,
                    | -> Result<Quote, ApiError> {
                        let answer = ask(symbol, opts)?;
                        parse(answer)
                    })(symbol, opts),
                )
        }
    }
}
/// The cache of `quote`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub fn quote_memo() -> ::memokit::__private::Memo<Result<Quote, ApiError>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::quote" beside
        __MEMOKIT_NOT_IN_IMPL_3290763420350999314, 3290763420350999314,
        0x77626870766553a2a06feaf52124c360, companion(), [Result < Quote, ApiError >]
        .max(1000usize).ttl_millis(30000).persist("cache/quotes")) .handle().named(&
        ["symbol", "opts"])
    )
}
/// The key under which the result of this call of `quote` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub fn quote_key(symbol: &str, opts: &QuoteOptions) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(
        ["symbol", "opts"] (__memokit::quiet!(symbol), (__memokit::quiet!(opts), ()))
    )
}
/// `quote` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
pub fn quote_uncached(symbol: &str, opts: &QuoteOptions) -> Result<Quote, ApiError> {
    (move |symbol: &str, opts: &QuoteOptions| -> Result<Quote, ApiError> {
        let answer = ask(symbol, opts)?;
        parse(answer)
    })(symbol, opts)
}
#[doc(hidden)]
const __MEMOKIT_NOT_IN_IMPL_3290763420350999314: bool = false;

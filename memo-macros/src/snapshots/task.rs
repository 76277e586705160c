#[must_use]
#[allow(clippy::double_must_use, clippy::manual_async_fn)]
pub fn quote(
    symbol: &str,
    tries: u32,
) -> impl ::memokit::__private::Future<Output = Result<Quote, ApiError>> {
    ::memokit::__private::call(move || {
        let __memokit_asked = ::memokit::__private::with_names!(
            __memokit::memo!(cache, own "::quote", 9854431957144609324,
            0xa09f3136f442e806e236a3a2f497e226, function(), [Result < Quote, ApiError >]
            .refresh_ahead(0.8f64).ttl_millis(30000).stale_millis(60000)
            .wait_limit_millis(5000)) .begin(& (__memokit::element!(symbol),
            (__memokit::element!(tries), ())))
        );
        __memokit_asked
            .compute(async move {
                if let ::memokit::__private::Option::Some(__memokit_returned) = ::memokit::__private::Option::<
                    Result<Quote, ApiError>,
                >::None {
                    return __memokit_returned;
                }
                #[allow(
                    clippy::redundant_locals,
                    clippy::shadow_same,
                    clippy::shadow_reuse
                )]
                let symbol = symbol;
                #[allow(
                    clippy::redundant_locals,
                    clippy::shadow_same,
                    clippy::shadow_reuse
                )]
                let mut tries = tries;
                tries += 1;
                ask(symbol, tries).await?.parse()
            })
    })
}
/// The cache of `quote`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub fn quote_memo() -> ::memokit::__private::Memo<Result<Quote, ApiError>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::quote", 9854431957144609324,
        0xa09f3136f442e806e236a3a2f497e226, companion(), [Result < Quote, ApiError >]
        .refresh_ahead(0.8f64).ttl_millis(30000).stale_millis(60000)
        .wait_limit_millis(5000)) .handle().named(& ["symbol", "tries"])
    )
}
/// The key under which the result of this call of `quote` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub fn quote_key(symbol: &str, tries: u32) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(
        ["symbol", "tries"] (__memokit::quiet!(symbol), (__memokit::quiet!(tries), ()))
    )
}
#[must_use]
/// `quote` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
pub fn quote_uncached(
    symbol: &str,
    tries: u32,
) -> impl ::memokit::__private::Future<Output = Result<Quote, ApiError>> {
    async move {
        if let ::memokit::__private::Option::Some(__memokit_returned) = ::memokit::__private::Option::<
            Result<Quote, ApiError>,
        >::None {
            return __memokit_returned;
        }
        #[allow(clippy::redundant_locals, clippy::shadow_same, clippy::shadow_reuse)]
        let symbol = symbol;
        #[allow(clippy::redundant_locals, clippy::shadow_same, clippy::shadow_reuse)]
        let mut tries = tries;
        tries += 1;
        ask(symbol, tries).await?.parse()
    }
}

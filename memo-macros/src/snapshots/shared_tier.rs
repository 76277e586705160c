fn quote(symbol: &str) -> String {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::quote" beside
        __MEMOKIT_NOT_IN_IMPL_317242422467700148, 317242422467700148,
        0xdc9270cbee17bfe9d8313cd8a7386dd1, function(), [String].remote(if
        __memokit::is_isolated() { __memokit::Option::None } else {
        __memokit::Option::Some(redis()) }).write_through().remote_limit_millis(100)
        .stale_while_disconnected(LIMIT)) .lookup(& (__memokit::element!(symbol), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
                    (move |#[allow(clippy::shadow_reuse)] symbol: &str| -> String {
                        ask(symbol)
                    })(symbol),
                )
        }
    }
}
/// The cache of `quote`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn quote_memo() -> ::memokit::__private::Memo<String> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::quote" beside
        __MEMOKIT_NOT_IN_IMPL_317242422467700148, 317242422467700148,
        0xdc9270cbee17bfe9d8313cd8a7386dd1, companion(), [String].remote(if
        __memokit::is_isolated() { __memokit::Option::None } else {
        __memokit::Option::Some(redis()) }).write_through().remote_limit_millis(100)
        .stale_while_disconnected(LIMIT)) .handle().named(& ["symbol"])
    )
}
/// The key under which the result of this call of `quote` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn quote_key(symbol: &str) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(["symbol"] (__memokit::quiet!(symbol), ()))
}
/// `quote` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn quote_uncached(symbol: &str) -> String {
    (move |symbol: &str| -> String { ask(symbol) })(symbol)
}
#[doc(hidden)]
const __MEMOKIT_NOT_IN_IMPL_317242422467700148: bool = false;

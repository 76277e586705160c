#[allow(clippy::double_must_use, clippy::manual_async_fn)]
fn find(name: String) -> impl ::memokit::__private::Future<Output = Option<u8>> {
    ::memokit::__private::call_spawned(move || {
        let __memokit_asked = ::memokit::__private::with_names!(
            __memokit::memo!(cache, own "::find", 9581210999310895620,
            0x2b49164ca428f84ed2fc962c8f361d3, function(), [Option < u8 >]
            .refresh_ahead(0.8f64).ttl_millis(30000)) .begin(&
            (__memokit::element!(name), ()))
        );
        __memokit_asked
            .spawn(
                async move {
                    if let ::memokit::__private::Option::Some(__memokit_returned) = ::memokit::__private::Option::<
                        Option<u8>,
                    >::None {
                        return __memokit_returned;
                    }
                    #[allow(
                        clippy::redundant_locals,
                        clippy::shadow_same,
                        clippy::shadow_reuse
                    )]
                    let name = name;
                    search(name).await
                },
                tokio::spawn,
            )
    })
}
/// The cache of `find`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_memo() -> ::memokit::__private::Memo<Option<u8>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 9581210999310895620,
        0x2b49164ca428f84ed2fc962c8f361d3, companion(), [Option < u8 >]
        .refresh_ahead(0.8f64).ttl_millis(30000)) .handle().named(& ["name"])
    )
}
/// The key under which the result of this call of `find` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_key(name: String) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(["name"] (__memokit::quiet!(name), ()))
}
/// `find` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn find_uncached(
    name: String,
) -> impl ::memokit::__private::Future<Output = Option<u8>> {
    async move {
        if let ::memokit::__private::Option::Some(__memokit_returned) = ::memokit::__private::Option::<
            Option<u8>,
        >::None {
            return __memokit_returned;
        }
        #[allow(clippy::redundant_locals, clippy::shadow_same, clippy::shadow_reuse)]
        let name = name;
        search(name).await
    }
}

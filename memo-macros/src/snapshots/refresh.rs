fn find(name: String) -> Option<u8> {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 7680952442443112849,
        0x67cde303de6768966dbe5af130e57845, function(), [Option < u8 >].ttl_millis(30000)
        .stale_millis(60000)) .lookup(& (__memokit::element!(name), ()))
    );
    match __memokit_found
        .behind(move |__memokit_miss| {
            __memokit_miss
                .store_if(
                    (move |#[allow(clippy::shadow_reuse)] name: String| -> Option<u8> {
                        search(name)
                    })(name),
                    |found| found.is_some(),
                )
        })
    {
        ::memokit::__private::Behind::Value(__memokit_value) => __memokit_value,
        ::memokit::__private::Behind::Refresh(__memokit_hit, __memokit_refresh) => {
            ::memokit::__private::hand_over(
                move || __memokit_refresh.run(),
                std::thread::spawn,
            );
            __memokit_hit.value()
        }
    }
}
/// The cache of `find`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_memo() -> ::memokit::__private::Memo<Option<u8>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 7680952442443112849,
        0x67cde303de6768966dbe5af130e57845, companion(), [Option < u8 >]
        .ttl_millis(30000).stale_millis(60000)) .handle().named(& ["name"])
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
fn find_uncached(name: String) -> Option<u8> {
    (move |name: String| -> Option<u8> { search(name) })(name)
}

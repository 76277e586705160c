fn seed(a: u32, b: &str) -> u64 {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::seed", 5867223723896889902,
        0x68b505ac1fed4068f9a25a1ab82d0aee, function(), [u64]) .lookup(&
        (__memokit::element!(a), (__memokit::element!(b), ())))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
                    (move |
                        #[allow(clippy::shadow_reuse)]
                        a: u32,
                        #[allow(clippy::shadow_reuse)]
                        b: &str,
                    | -> u64 { plant(a, b) })(a, b),
                )
        }
    }
}
/// The cache of `seed`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn seed_memo() -> ::memokit::__private::Memo<u64> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::seed", 5867223723896889902,
        0x68b505ac1fed4068f9a25a1ab82d0aee, companion(), [u64]) .handle().named(& ["a",
        "b"])
    )
}
/// The key under which the result of this call of `seed` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn seed_key(a: u32, b: &str) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(
        ["a", "b"] (__memokit::quiet!(a), (__memokit::quiet!(b), ()))
    )
}
/// `seed` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn seed_uncached(a: u32, b: &str) -> u64 {
    (move |a: u32, b: &str| -> u64 { plant(a, b) })(a, b)
}

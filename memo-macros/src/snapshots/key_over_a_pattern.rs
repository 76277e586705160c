fn mix((a, mut b): (u8, u8)) -> u8 {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::mix", 8756507279632793135,
        0x6fe81359300dc9b8bb0bdfa5d87bc1ea, function(), [u8]) .lookup(&
        (__memokit::element!(key : a + b), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
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
#[inline]
fn mix_memo() -> ::memokit::__private::Memo<u8> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::mix", 8756507279632793135,
        0x6fe81359300dc9b8bb0bdfa5d87bc1ea, companion(), [u8]) .handle().named(& ["key"])
    )
}
/// The key under which the result of this call of `mix` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn mix_key((a, mut b): (u8, u8)) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(["key"] (__memokit::quiet!(a + b), ()))
}
/// `mix` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn mix_uncached((a, mut b): (u8, u8)) -> u8 {
    (move || -> u8 {
        b += a;
        b
    })()
}

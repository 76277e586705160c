#[track_caller]
#[unsafe(no_mangle)]
extern "C" fn blame(r#mod: u32) -> u32 {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::blame", 9989572052549720064,
        0x3f5715cc971c857633457e1641664f4b, function(), [u32]) .lookup(&
        (__memokit::element!(r#mod), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store({
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
#[inline]
fn blame_of_memo() -> ::memokit::__private::Memo<u32> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::blame", 9989572052549720064,
        0x3f5715cc971c857633457e1641664f4b, companion(), [u32]) .handle().named(&
        ["mod"])
    )
}
/// The key under which the result of this call of `blame` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn blame_of_key(r#mod: u32) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(["mod"] (__memokit::quiet!(r#mod), ()))
}
#[track_caller]
/// `blame` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
extern "C" fn blame_of_uncached(r#mod: u32) -> u32 {
    here()
}

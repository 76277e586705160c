fn find(id: u32) -> Result<u8, E> {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 15822733616304687152,
        0xcc5d15638a86521cad2d821119bbbcce, function(), [errors Result < u8, E >]
        .advise().max(1000usize)) .lookup(& (__memokit::element!(id), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
                    (move |#[allow(clippy::shadow_reuse)] id: u32| -> Result<u8, E> {
                        g(id)
                    })(id),
                )
        }
    }
}
/// The cache of `find`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_memo() -> ::memokit::__private::Memo<Result<u8, E>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 15822733616304687152,
        0xcc5d15638a86521cad2d821119bbbcce, companion(), [errors Result < u8, E >]
        .advise().max(1000usize)) .handle().named(& ["id"])
    )
}
/// The key under which the result of this call of `find` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_key(id: u32) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(["id"] (__memokit::quiet!(id), ()))
}
/// `find` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn find_uncached(id: u32) -> Result<u8, E> {
    (move |id: u32| -> Result<u8, E> { g(id) })(id)
}

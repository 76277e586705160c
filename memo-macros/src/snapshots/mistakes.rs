fn f(a: u32) -> u32 {
    a
}
/// The cache of `f`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn f_memo() -> ::memokit::__private::Memo<u32> {
    loop {}
}
/// The key under which the result of this call of `f` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn f_key(a: u32) -> ::memokit::__private::Key {
    loop {}
}
/// `f` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn f_uncached(a: u32) -> u32 {
    a
}
::core::compile_error! {
    "unknown argument `tll`, did you mean `ttl`?"
}
::core::compile_error! {
    "a cache without room for an entry caches nothing: leave `max` out for no bound"
}

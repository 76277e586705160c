fn f(a: &str) -> &str {
    a
}
/// The key under which the result of this call of `f` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn f_key(a: &str) -> ::memokit::__private::Key {
    loop {}
}
/// `f` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn f_uncached(a: &str) -> &str {
    a
}
::core::compile_error! {
    "the cache outlives the arguments, so a result cannot borrow from them: return an owned value (`String`, `Vec<T>`, `Arc<T>`) or `&'static`"
}

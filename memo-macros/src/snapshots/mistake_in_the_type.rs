fn f(a: &str) -> &str {
    a
}
/// The key under which the result of this call of `f` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
fn f_key(a: &str) -> ::memokit::Key {
    loop {}
}
/// `f` as written: computes, and neither reads nor fills the cache.
#[allow(
    dead_code,
    unreachable_pub,
    non_snake_case,
    clippy::missing_const_for_fn,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::missing_safety_doc
)]
#[inline]
fn f_uncached(a: &str) -> &str {
    a
}
::core::compile_error! {
    "the cache outlives the arguments, so a result cannot borrow from them: return an owned value (`String`, `Vec<T>`, `Arc<T>`) or `&'static`"
}

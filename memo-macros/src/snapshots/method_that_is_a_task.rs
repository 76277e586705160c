#[allow(clippy::double_must_use, clippy::manual_async_fn)]
unsafe fn find(
    self: Arc<Self>,
    __memokit_0_a: (u8, u8),
) -> impl ::memokit::__private::Future<Output = Option<u8>> {
    ::memokit::__private::call(move || {
        let __memokit_asked = ::memokit::__private::with_names!(
            __memokit::memo!(cache, own "::find", 5515666018287653276,
            0xfba334b131caab6c1caff50e0b7fff7e, function(.with(& ||
            __memokit::Generics::new().self_type:: < Self > ())), [Option < u8 >])
            .begin_or_verify(& (__memokit::element!(self : self),
            (__memokit::element!(__memokit_0_a), ())), 0.5f64)
        );
        __memokit_asked
            .compute_if(
                unsafe { Self::find_uncached(self, __memokit_0_a) },
                |found| found.is_some(),
            )
    })
}
/// The cache of `find`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_memo() -> ::memokit::__private::Memo<Option<u8>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 5515666018287653276,
        0xfba334b131caab6c1caff50e0b7fff7e, companion(.with(& ||
        __memokit::Generics::new().self_type:: < Self > ())), [Option < u8 >]) .handle()
        .named(& ["self", "(a, _)"])
    )
}
/// The key under which the result of this call of `find` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_key(self: Arc<Self>, __memokit_0_a: (u8, u8)) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(
        ["self", "(a, _)"] (__memokit::quiet!(self), (__memokit::quiet!(__memokit_0_a),
        ()))
    )
}
/// `find` as written: computes, and neither reads nor fills the cache.
#[allow(dead_code, unreachable_pub, non_snake_case, clippy::missing_safety_doc)]
#[allow(clippy::missing_const_for_fn, clippy::missing_panics_doc)]
#[allow(clippy::missing_errors_doc)]
#[inline]
async unsafe fn find_uncached(mut self: Arc<Self>, (a, _): (u8, u8)) -> Option<u8> {
    self.at(a).await
}

#[track_caller]
#[deprecated]
pub(crate) unsafe fn find(
    &self,
    depth: u32,
    __memokit_1_a: (u8, u8),
    verbose: bool,
) -> Option<Self> {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 15879109123744592540,
        0xe5807cf5c3535f04c7d3cbd3aaedde37, function(.with(& ||
        __memokit::Generics::new().self_type:: < Self > ())), [Option < Self >])
        .lookup(& (__memokit::element!(self : self), (__memokit::element!(depth),
        (__memokit::element!(__memokit_1_a), ()))))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store_if(
                    unsafe { Self::find_uncached(self, depth, __memokit_1_a, verbose) },
                    |found| found.is_some(),
                )
        }
    }
}
/// The cache of `find`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub(crate) fn find_memo() -> ::memokit::__private::Memo<Option<Self>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 15879109123744592540,
        0xe5807cf5c3535f04c7d3cbd3aaedde37, companion(.with(& ||
        __memokit::Generics::new().self_type:: < Self > ())), [Option < Self >])
        .handle().named(& ["self", "depth", "(a, _)"])
    )
}
/// The key under which the result of this call of `find` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub(crate) fn find_key(
    &self,
    depth: u32,
    __memokit_1_a: (u8, u8),
) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(
        ["self", "depth", "(a, _)"] (__memokit::quiet!(self), (__memokit::quiet!(depth),
        (__memokit::quiet!(__memokit_1_a), ())))
    )
}
#[track_caller]
/// `find` as written: computes, and neither reads nor fills the cache.
#[allow(dead_code, unreachable_pub, non_snake_case, clippy::missing_safety_doc)]
#[allow(clippy::missing_const_for_fn, clippy::missing_panics_doc)]
#[allow(clippy::missing_errors_doc)]
#[allow(deprecated)]
#[inline]
pub(crate) unsafe fn find_uncached(
    &self,
    mut depth: u32,
    (a, _): (u8, u8),
    verbose: bool,
) -> Option<Self> {
    unsafe { self.search(depth, a) }
}

pub fn page(&self, path: &str) -> String {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(in_object, own "::page", 2599929977075729611,
        0x1784bf90edc27430cffd0f534d2d9a8a, function(.with(& ||
        __memokit::Generics::new().self_type:: < Self > ())), [String].max(10usize))
        .of(& self.cache).lookup(& (__memokit::element!(path), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss.store(Self::page_uncached(self, path))
        }
    }
}
/// The cache of `page`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub fn page_memo(
    &self,
) -> ::memokit::__private::Memo<String, ::memokit::__private::OfObject<String>> {
    ::memokit::__private::with_names!(
        __memokit::memo!(in_object, own "::page", 2599929977075729611,
        0x1784bf90edc27430cffd0f534d2d9a8a, companion(.with(& ||
        __memokit::Generics::new().self_type:: < Self > ())), [String].max(10usize))
        .of(& self.cache).handle().named(& ["path"])
    )
}
/// The key under which the result of this call of `page` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
pub fn page_key(&self, path: &str) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(["path"] (__memokit::quiet!(path), ()))
}
/// `page` as written: computes, and neither reads nor fills the cache.
#[allow(dead_code, unreachable_pub, non_snake_case, clippy::missing_safety_doc)]
#[allow(clippy::missing_const_for_fn, clippy::missing_panics_doc)]
#[allow(clippy::missing_errors_doc)]
#[inline]
pub fn page_uncached(&self, path: &str) -> String {
    self.fetch(path)
}

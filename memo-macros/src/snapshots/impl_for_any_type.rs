impl<'a, T: Serialize, const N: usize> Market<T> for [T; N]
where
    T: Copy,
{
    type Quote = Vec<T>;
    fn quote<U: Into<T>>(&self, (a, b): (U, u8)) -> Self::Quote {
        let __memokit_found = ::memokit::__private::with_names!(
            __memokit::memo!(cache, own "::quote", 15853269112708358565,
            0xa6e65120ec1b0f3d0a02cb4c60d04b65, shared(< Self as Caches < 'a, T, N > >
            ::quote_memo:: < U >), [Self::Quote]) .lookup(& (__memokit::element!(key : (&
            a, & b)), ()))
        );
        match __memokit_found {
            ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
            ::memokit::__private::Lookup::Miss(__memokit_miss) => {
                __memokit_miss.store((move || -> Self::Quote { vec![a.into()] })())
            }
        }
    }
}
/// The companions of memoized functions of a trait.
#[allow(dead_code, unreachable_pub, private_interfaces, private_bounds)]
pub(crate) trait Caches<'a, T: Serialize, const N: usize>
where
    T: Copy,
{
    /// The cache of `quote`: what is in it, and how it is doing.
    #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
    fn quote_memo<U: Into<T>>() -> ::memokit::__private::Memo<
        <[T; N] as Market<T>>::Quote,
    >;
    /// The key under which the result of this call of `quote` is kept.
    #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
    fn quote_key<U: Into<T>>(_: (U, u8)) -> ::memokit::__private::Key;
}
impl<'a, T: Serialize, const N: usize> Caches<'a, T, N> for [T; N]
where
    T: Copy,
{
    /// The cache of `quote`: what is in it, and how it is doing.
    #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
    #[inline]
    fn quote_memo<U: Into<T>>() -> ::memokit::__private::Memo<
        <Self as Market<T>>::Quote,
    > {
        ::memokit::__private::with_names!(
            __memokit::memo!(cache, own "::quote", 15853269112708358565,
            0xa6e65120ec1b0f3d0a02cb4c60d04b65, shared(< Self as Caches < 'a, T, N > >
            ::quote_memo:: < U >), [< Self as Market < T > > ::Quote]) .handle().named(&
            ["key"])
        )
    }
    /// The key under which the result of this call of `quote` is kept.
    #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
    #[inline]
    fn quote_key<U: Into<T>>((a, b): (U, u8)) -> ::memokit::__private::Key {
        ::memokit::__private::with_names!(["key"] (__memokit::quiet!((& a, & b)), ()))
    }
}
const _: () = {
    #[allow(unused_imports)]
    use memoize as _;
};

impl Market for Exchange {
    type Error = Closed;
    fn quote(&self, symbol: &str) -> Result<Quote, Self::Error> {
        let __memokit_found = ::memokit::__private::with_names!(
            __memokit::memo!(cache, own "::quote", 16554315513836208241,
            0xc6bd4a140d144b39d308af2977b2e701, shared(Self::quote_memo), [errors Result
            < Quote, Self::Error >].max(Self::MAX)) .lookup(& (__memokit::element!(self :
            self), (__memokit::element!(symbol), ())))
        );
        match __memokit_found {
            ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
            ::memokit::__private::Lookup::Miss(__memokit_miss) => {
                __memokit_miss
                    .store(
                        (move |
                            #[allow(clippy::shadow_reuse)]
                            symbol: &str,
                        | -> Result<Quote, Self::Error> { self.ask(symbol) })(symbol),
                    )
            }
        }
    }
    fn close(&self) {}
}
impl Exchange {
    /// The cache of `quote`: what is in it, and how it is doing.
    #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
    #[inline]
    pub fn quote_memo() -> ::memokit::__private::Memo<
        Result<Quote, <Self as Market>::Error>,
    > {
        ::memokit::__private::with_names!(
            __memokit::memo!(cache, own "::quote", 16554315513836208241,
            0xc6bd4a140d144b39d308af2977b2e701, shared(Self::quote_memo), [errors Result
            < Quote, < Self as Market > ::Error >].max(Self::MAX)) .handle().named(&
            ["self", "symbol"])
        )
    }
    /// The key under which the result of this call of `quote` is kept.
    #[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
    #[inline]
    pub fn quote_key(&self, symbol: &str) -> ::memokit::__private::Key {
        ::memokit::__private::with_names!(
            ["self", "symbol"] (__memokit::quiet!(self), (__memokit::quiet!(symbol), ()))
        )
    }
}
const _: () = {
    #[allow(unused_imports)]
    use memoize as _;
};

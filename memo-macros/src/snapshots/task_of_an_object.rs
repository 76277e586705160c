#[allow(clippy::double_must_use, clippy::manual_async_fn)]
fn page(
    self: Arc<Self>,
    path: String,
) -> impl ::memokit::__private::Future<Output = String> {
    ::memokit::__private::call(move || {
        let __memokit_asked = ::memokit::__private::with_names!(
            __memokit::memo!(in_object, own "::page", 1909925095823547801,
            0x5b3e91532c83a63ad6f8c193ff64f8a8, without_companions(), [String]) .of(&
            self.state.cache).begin(& (__memokit::element!(path), ()))
        );
        __memokit_asked
            .compute(async move {
                if let ::memokit::__private::Option::Some(__memokit_returned) = ::memokit::__private::Option::<
                    String,
                >::None {
                    return __memokit_returned;
                }
                #[allow(
                    clippy::redundant_locals,
                    clippy::shadow_same,
                    clippy::shadow_reuse
                )]
                let path = path;
                self.fetch(path).await
            })
    })
}

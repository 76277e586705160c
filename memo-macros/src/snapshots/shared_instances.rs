fn load(path: impl AsRef<Path>) -> Config {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::load", 10500216296800217548,
        0x8bd2fa896bb73f26fff99bc8cd5ac2ee, shared({ const _ : bool =
        __MEMOKIT_NOT_IN_IMPL_10500216296800217548; load_memo }), [Config]) .lookup(&
        (__memokit::element!(key : path.as_ref().to_owned()), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss.store((move || -> Config { read(path) })())
        }
    }
}
/// The cache of `load`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn load_memo() -> ::memokit::__private::Memo<Config> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::load", 10500216296800217548,
        0x8bd2fa896bb73f26fff99bc8cd5ac2ee, shared({ const _ : bool =
        __MEMOKIT_NOT_IN_IMPL_10500216296800217548; load_memo }), [Config]) .handle()
        .named(& ["key"])
    )
}
/// The key under which the result of this call of `load` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn load_key<ImplPath: AsRef<Path>>(path: ImplPath) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(
        ["key"] (__memokit::quiet!(path.as_ref().to_owned()), ())
    )
}
/// `load` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn load_uncached<ImplPath: AsRef<Path>>(path: ImplPath) -> Config {
    (move || -> Config { read(path) })()
}
#[doc(hidden)]
const __MEMOKIT_NOT_IN_IMPL_10500216296800217548: bool = false;

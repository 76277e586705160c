fn find(
    &self,
    depth: u32,
    __memokit_1_a: (u8, u8),
    #[cfg(unix)]
    r#type: u8,
    log: &Log,
) -> u8 {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 7268914245183012767,
        __memokit::Code::of(0xc6096e0a6b44335bb31e5818bf5647da)
        .flag(__memokit::cfg!(unix)).fingerprint(), function(.with(& ||
        __memokit::Generics::new().self_type:: < Self > ())), [u8].explain(1000usize, &
        ["self", "depth", "(a, _)", #[cfg(unix)] "type"])) .lookup(& { let __memokit_key
        = (); #[cfg(unix)] let __memokit_key = (__memokit::element!(r#type),
        __memokit_key); let __memokit_key = (__memokit::element!(__memokit_1_a),
        __memokit_key); let __memokit_key = (__memokit::element!(depth), __memokit_key);
        let __memokit_key = (__memokit::element!(self : self), __memokit_key);
        __memokit_key })
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
                    Self::find_uncached(
                        self,
                        depth,
                        __memokit_1_a,
                        #[cfg(unix)]
                        r#type,
                        log,
                    ),
                )
        }
    }
}
/// The cache of `find`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_memo() -> ::memokit::__private::Memo<u8> {
    ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::find", 7268914245183012767,
        __memokit::Code::of(0xc6096e0a6b44335bb31e5818bf5647da)
        .flag(__memokit::cfg!(unix)).fingerprint(), companion(.with(& ||
        __memokit::Generics::new().self_type:: < Self > ())), [u8].explain(1000usize, &
        ["self", "depth", "(a, _)", #[cfg(unix)] "type"])) .handle().named(& ["self",
        "depth", "(a, _)", #[cfg(unix)] "type"])
    )
}
/// The key under which the result of this call of `find` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn find_key(
    &self,
    depth: u32,
    __memokit_1_a: (u8, u8),
    #[cfg(unix)]
    r#type: u8,
) -> ::memokit::__private::Key {
    ::memokit::__private::with_names!(
        ["self", "depth", "(a, _)", #[cfg(unix)] "type"] { let __memokit_key = ();
        #[cfg(unix)] let __memokit_key = (__memokit::quiet!(r#type), __memokit_key); let
        __memokit_key = (__memokit::quiet!(__memokit_1_a), __memokit_key); let
        __memokit_key = (__memokit::quiet!(depth), __memokit_key); let __memokit_key =
        (__memokit::quiet!(self), __memokit_key); __memokit_key }
    )
}
/// `find` as written: computes, and neither reads nor fills the cache.
#[allow(dead_code, unreachable_pub, non_snake_case, clippy::missing_safety_doc)]
#[allow(clippy::missing_const_for_fn, clippy::missing_panics_doc)]
#[allow(clippy::missing_errors_doc)]
#[inline]
fn find_uncached(
    &self,
    mut depth: u32,
    (a, _): (u8, u8),
    #[cfg(unix)]
    r#type: u8,
    log: &Log,
) -> u8 {
    a
}

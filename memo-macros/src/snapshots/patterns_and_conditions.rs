fn mix(__memokit_0_a_b: (u8, u8), #[cfg(unix)] c: u8, __memokit_2_str: &str) -> u8 {
    let __memokit_found = crate::memo::__private::with_names!(
        __memokit::memo!(cache, own "::mix", 13371934386271165367,
        __memokit::Code::of(0xab6e87be96c5a1e54596512c9b6b957e)
        .flag(__memokit::cfg!(unix)).fingerprint(), function(), [u8].max(LIMIT)
        .version(3).ttl(config().ttl)) .lookup(& { let __memokit_key = (); let
        __memokit_key = (__memokit::element!(__memokit_2_str), __memokit_key);
        #[cfg(unix)] let __memokit_key = (__memokit::element!(c), __memokit_key); let
        __memokit_key = (__memokit::element!(__memokit_0_a_b), __memokit_key);
        __memokit_key })
    );
    match __memokit_found {
        crate::memo::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        crate::memo::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
                    (move |
                        (a, b): (u8, u8),
                        #[allow(clippy::shadow_reuse)]
                        #[cfg(unix)]
                        mut c: u8,
                        _: &str,
                    | -> u8 {
                        c += a;
                        c + b
                    })(__memokit_0_a_b, #[cfg(unix)] c, __memokit_2_str),
                )
        }
    }
}
/// The cache of `mix`: what is in it, and how it is doing.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn mix_memo() -> crate::memo::__private::Memo<u8> {
    crate::memo::__private::with_names!(
        __memokit::memo!(cache, own "::mix", 13371934386271165367,
        __memokit::Code::of(0xab6e87be96c5a1e54596512c9b6b957e)
        .flag(__memokit::cfg!(unix)).fingerprint(), companion(), [u8].max(LIMIT)
        .version(3).ttl(config().ttl)) .handle().named(& ["(a, b)", #[cfg(unix)] "c",
        "_"])
    )
}
/// The key under which the result of this call of `mix` is kept.
#[allow(unused, unreachable_pub, non_snake_case, clippy::all, clippy::pedantic)]
#[inline]
fn mix_key(
    __memokit_0_a_b: (u8, u8),
    #[cfg(unix)]
    c: u8,
    __memokit_2_str: &str,
) -> crate::memo::__private::Key {
    crate::memo::__private::with_names!(
        ["(a, b)", #[cfg(unix)] "c", "_"] { let __memokit_key = (); let __memokit_key =
        (__memokit::quiet!(__memokit_2_str), __memokit_key); #[cfg(unix)] let
        __memokit_key = (__memokit::quiet!(c), __memokit_key); let __memokit_key =
        (__memokit::quiet!(__memokit_0_a_b), __memokit_key); __memokit_key }
    )
}
/// `mix` as written: computes, and neither reads nor fills the cache.
#[allow(unused, overflowing_literals, arithmetic_overflow, unconditional_panic)]
#[allow(unreachable_pub, non_snake_case, clippy::all, clippy::pedantic, clippy::nursery)]
#[allow(clippy::restriction)]
#[inline]
fn mix_uncached(
    __memokit_0_a_b: (u8, u8),
    #[cfg(unix)]
    c: u8,
    __memokit_2_str: &str,
) -> u8 {
    (move |(a, b): (u8, u8), #[cfg(unix)] mut c: u8, _: &str| -> u8 {
        c += a;
        c + b
    })(__memokit_0_a_b, #[cfg(unix)] c, __memokit_2_str)
}

//! Types of the standard library that own nothing outside themselves.

use super::weigh::Weigh;

macro_rules! own_nothing {
    ($($type:ty),* $(,)?) => { $(impl Weigh for $type {})* };
}

own_nothing! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, (),
    str, std::path::Path, std::ffi::OsStr, std::ffi::CStr,
    std::convert::Infallible, std::marker::PhantomPinned, std::ops::RangeFull,
    std::any::TypeId, std::alloc::Layout, std::thread::ThreadId,
    std::cmp::Ordering, std::num::FpCategory, std::io::ErrorKind,
    std::time::Duration, std::time::Instant, std::time::SystemTime,
    std::net::IpAddr, std::net::Ipv4Addr, std::net::Ipv6Addr,
    std::net::SocketAddr, std::net::SocketAddrV4, std::net::SocketAddrV6,
}

own_nothing! {
    std::num::NonZeroU8, std::num::NonZeroU16, std::num::NonZeroU32, std::num::NonZeroU64,
    std::num::NonZeroU128, std::num::NonZeroUsize, std::num::NonZeroI8, std::num::NonZeroI16,
    std::num::NonZeroI32, std::num::NonZeroI64, std::num::NonZeroI128, std::num::NonZeroIsize,
    std::sync::atomic::AtomicBool, std::sync::atomic::AtomicUsize, std::sync::atomic::AtomicIsize,
}

macro_rules! atomics {
    ($($width:literal: $signed:ident, $unsigned:ident;)*) => {$(
        #[cfg(target_has_atomic = $width)]
        own_nothing!(std::sync::atomic::$signed, std::sync::atomic::$unsigned);
    )*};
}

atomics! {
    "8": AtomicI8, AtomicU8;
    "16": AtomicI16, AtomicU16;
    "32": AtomicI32, AtomicU32;
    "64": AtomicI64, AtomicU64;
}

// Errors, which `cache_err` keeps.
own_nothing! {
    std::fmt::Error, std::num::ParseIntError, std::num::ParseFloatError, std::num::TryFromIntError,
    std::str::ParseBoolError, std::str::Utf8Error, std::char::ParseCharError,
    std::char::CharTryFromError, std::net::AddrParseError, std::time::SystemTimeError,
    std::array::TryFromSliceError,
}

impl<T: ?Sized> Weigh for std::marker::PhantomData<T> {}

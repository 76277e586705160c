//! Macros that keep expansions short. They expand to paths alone, and only where an expansion has imported [`probe`].
//!
//! [`probe`]: crate::keep::probe

#[doc(hidden)]
pub use core::{concat, module_path};

/// The static of a function: `site!(NAME, own "::function", number, code, settings)` with its own full name, or
/// `site!(NAME, named "quotes", ...)` with another.
#[doc(hidden)]
#[macro_export]
macro_rules! site {
    ($site:ident, own $name:literal, $($rest:tt)*) => {
        $crate::site! {
            $site,
            named $crate::shorthand::concat!($crate::shorthand::module_path!(), $name),
            $($rest)*
        }
    };
    ($site:ident, named $name:expr, $number:literal, $code:literal, $settings:expr) => {
        static $site: $crate::site::Site =
            $crate::site::Site::new($crate::site::Origin::new($name, $number, $code), || $settings);
    };
}

/// The way in which results of a type are kept: `keep!(Type)`, or `keep!(errors Type)` with its errors.
#[doc(hidden)]
#[macro_export]
macro_rules! keep {
    (errors $($returns:tt)*) => {
        (&&&$crate::keep::Probe::<$($returns)*>::NEW).__memokit_keep_whole()
    };
    ($($returns:tt)*) => {
        (&&&$crate::keep::Probe::<$($returns)*>::NEW).__memokit_keep()
    };
}

/// One argument of a key.
#[doc(hidden)]
#[macro_export]
macro_rules! element {
    ($argument:expr) => {
        (&&$crate::key::arguments::Argument(&$argument)).__memokit_element()
    };
}

//! Macros that keep expansions short. They name everything by its full path, except methods of the traits in [`probe`],
//! which an expansion imports.
//!
//! [`probe`]: crate::value::keep::probe

#[doc(hidden)]
pub use core::{concat, module_path};

/// Finds the cache of a function. Example: `memo!(cache, own "::function", number, code, function(), [Type].max(5))`.
/// Each use has a static [`Site`](crate::call::site::Site) of its own. The arguments are:
///
/// - `cache`, or `local` for the calling thread's own cache;
/// - the name: `own "::function"` for the full name of the function, or `named "quotes"` for another name;
/// - the number that was drawn at expansion, and the fingerprint of the code;
/// - the caller, as `caller!` takes it;
/// - the settings, as `settings!` takes them.
#[doc(hidden)]
#[macro_export]
macro_rules! memo {
    ($find:ident, own $name:literal, $($rest:tt)*) => {
        $crate::memo!(
            $find,
            named $crate::call::macros::concat!($crate::call::macros::module_path!(), $name),
            $($rest)*
        )
    };
    (
        $find:ident, named $name:expr, $number:literal, $code:expr,
        $caller:ident $about:tt, $($settings:tt)*
    ) => {{
        static SITE: $crate::call::site::Site = $crate::call::site::Site::new($crate::function::origin::Origin::new(
            $crate::call::macros::module_path!(),
            $name,
            $number,
            $code,
        ));
        $crate::call::site::Site::$find(
            &SITE,
            $crate::caller!($caller $about),
            $crate::settings!($($settings)*),
        )
    }};
}

/// Makes a [`Caller`](crate::function::instance::Caller): `caller!(shared(companion))`, or the name of another
/// constructor with the calls that add generics: `caller!(function(.with(..)))`.
#[doc(hidden)]
#[macro_export]
macro_rules! caller {
    (shared($companion:expr)) => {
        $crate::function::instance::Caller::shared(&$companion)
    };
    ($caller:ident($($generics:tt)*)) => {
        $crate::function::instance::Caller::$caller(&|| ()) $($generics)*
    };
}

/// Chooses how results of a type are kept: `keep!(Type)`, or `keep!(errors Type)` if errors are kept too. With `here`
/// as the first word, the results are kept in a thread's own cache.
#[doc(hidden)]
#[macro_export]
macro_rules! keep {
    (here errors $($returns:tt)*) => {
        (&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep_errors_local()
    };
    (here $($returns:tt)*) => {
        (&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep_local()
    };
    (errors $($returns:tt)*) => {
        (&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep_errors()
    };
    ($($returns:tt)*) => {
        (&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep()
    };
}

/// Makes a closure that returns the settings for results of a type: `settings!([Type].max(5))`. The brackets contain
/// the arguments of `keep!`.
#[doc(hidden)]
#[macro_export]
macro_rules! settings {
    ([$($returns:tt)*] $($settings:tt)*) => {
        || $crate::function::settings::Settings::of($crate::keep!($($returns)*)) $($settings)*
    };
}

/// Makes one argument of a key: `element!(parameter)`, `element!(self: value)`, or `element!(key: value)` for the
/// expression of `key = ...`. If a parameter's type cannot be a part of a key, rustc's message contains the parameter's
/// name.
#[doc(hidden)]
#[macro_export]
macro_rules! element {
    (self: $argument:expr) => {
        $crate::element!(@ $crate::key::arguments::Receiver, $argument)
    };
    (key: $argument:expr) => {
        $crate::element!(@ $crate::key::arguments::Expression, $argument)
    };
    ($argument:ident) => {{
        #[allow(dead_code, non_camel_case_types)]
        enum $argument {}
        $crate::element!(@ $crate::key::arguments::Parameter<$argument>, $argument)
    }};
    (@ $place:ty, $argument:expr) => {
        (&&&&$crate::key::arguments::Argument::<_, $place>::new(&$argument)).__memokit_element()
    };
}

/// Does the same in a companion. It reports no error, because the function itself already reports it.
#[doc(hidden)]
#[macro_export]
macro_rules! quiet {
    ($argument:expr) => {
        $crate::element!(@ $crate::key::arguments::InCompanion, $argument)
    };
}

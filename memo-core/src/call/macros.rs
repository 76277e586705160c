//! Macros that keep expansions short. They name everything by its full path, except methods of the traits in [`probe`],
//! which an expansion imports.
//!
//! [`probe`]: crate::value::keep::probe

#[doc(hidden)]
pub use core::{concat, matches, module_path, option_env};

/// Finds the cache of a function. Example: `memo!(cache, own "::function", number, code, function(), [Type].max(5))`.
/// Each use has a static [`Site`](crate::call::site::Site) of its own. The arguments are:
///
/// - `cache`, or `local` for the calling thread's own cache;
/// - the name: `own "::function"`, or `named "quotes" "::function"` for another name in reports; behind it `in_impl` if
///   the function stands in an impl or a trait, or `beside CONSTANT` if it does unless the constant is found;
/// - the number that was drawn at expansion, and the fingerprint of the code;
/// - the caller, as `caller!` takes it;
/// - the settings, as `settings!` takes them.
#[doc(hidden)]
#[macro_export]
macro_rules! memo {
    ($find:ident, own $own:literal $($rest:tt)*) => {
        $crate::memo!(
            @ $find,
            $crate::call::macros::concat!($crate::call::macros::module_path!(), $own),
            $own $($rest)*
        )
    };
    ($find:ident, named $name:literal $($rest:tt)*) => {
        $crate::memo!(@ $find, $name, $($rest)*)
    };
    (
        @ $find:ident, $name:expr, $own:literal $($standing:ident)*, $number:literal,
        $code:expr, $caller:ident $about:tt, $($settings:tt)*
    ) => {{
        #[allow(non_snake_case, unused_variables)]
        static SITE: $crate::call::site::Site = $crate::call::site::Site::new($crate::function::origin::Origin::new(
            $crate::call::macros::module_path!(),
            $own,
            $name,
            $number,
            $crate::code_in_target!($code),
            $crate::is_in_impl!($($standing)*),
        ));
        $crate::call::site::Site::$find(
            &SITE,
            $crate::caller!($caller $about),
            $crate::settings!($($settings)*),
        )
    }};
}

/// Adds to the fingerprint of a function's code which target of which package contains the function. A library, a
/// program and a test of one package may have the same crate name, and so may programs of two packages.
#[doc(hidden)]
#[macro_export]
macro_rules! code_in_target {
    ($code:expr) => {
        $crate::function::code::Code::of($code)
            .variable($crate::call::macros::option_env!("CARGO_PKG_NAME"))
            // Set in programs, and the second one in tests and benchmarks.
            .variable($crate::call::macros::option_env!("CARGO_BIN_NAME"))
            .flag($crate::call::macros::option_env!("CARGO_TARGET_TMPDIR").is_some())
            .fingerprint()
    };
}

/// Returns whether a function stands in an impl or a trait: `is_in_impl!(in_impl)`, `is_in_impl!(beside CONSTANT)`, or
/// nothing if that is not known.
///
/// In an impl the constant beside the function is not found by its bare name. The pattern then is a variable, which
/// matches everything, and otherwise the constant `false`.
#[doc(hidden)]
#[macro_export]
macro_rules! is_in_impl {
    () => {
        false
    };
    (in_impl) => {
        true
    };
    (beside $constant:ident) => {
        $crate::call::macros::matches!(true, $constant if true)
    };
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
        (&&&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep_errors_local()
    };
    (here $($returns:tt)*) => {
        (&&&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep_local()
    };
    (errors $($returns:tt)*) => {
        (&&&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep_errors()
    };
    ($($returns:tt)*) => {
        (&&&&&&$crate::value::keep::Probe::<$($returns)*>::NEW).__memokit_keep()
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

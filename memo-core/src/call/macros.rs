//! Macros that keep expansions short. They expand to paths alone, and only where an expansion has imported [`probe`].
//!
//! [`probe`]: crate::value::keep::probe

#[doc(hidden)]
pub use core::{concat, module_path};

/// The cache of a function, at a static of its own: `memo!(cache, own "::function", number, code, function(), [how Type]
/// .max(5))`. It says whose the cache is (`cache` or `local`, a thread's own), the function's own full name or another
/// (`named "quotes"`), who asks and of which types, and what `settings!` takes.
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
        $find:ident, named $name:expr, $number:literal, $code:literal,
        $asking:ident($($mark:tt)*), $($settings:tt)*
    ) => {{
        static SITE: $crate::call::site::Site = $crate::call::site::Site::new($crate::function::origin::Origin::new(
            $crate::call::macros::module_path!(),
            $name,
            $number,
            $code,
        ));
        $crate::call::site::Site::$find(
            &SITE,
            $crate::function::instance::Caller::$asking(&|| ()) $($mark)*,
            $crate::settings!($($settings)*),
        )
    }};
}

/// The way in which results of a type are kept: `keep!(Type)`, or `keep!(errors Type)` with its errors; after `here`, in
/// a thread's own cache.
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

/// What makes the settings of results of a type: `settings!([how Type] .max(5))`, with what `keep!` takes. After `weigh`
/// entries are weighed by what their values report.
#[doc(hidden)]
#[macro_export]
macro_rules! settings {
    (weigh $($settings:tt)*) => {
        || {
            let settings = $crate::settings!($($settings)*)();
            let heap = (&&settings.scale()).__memokit_heap();
            settings.weigh_by(heap)
        }
    };
    ([$($returns:tt)*] $($settings:tt)*) => {
        || $crate::function::settings::Settings::of($crate::keep!($($returns)*)) $($settings)*
    };
}

/// One argument of a key: a parameter by its name, or after a colon `self` or the expression of `key`. A parameter's name goes into rustc's
/// message should it be no part of a key.
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

/// The same in a companion, which says nothing of what the function says already.
#[doc(hidden)]
#[macro_export]
macro_rules! quiet {
    ($argument:expr) => {
        $crate::element!(@ $crate::key::arguments::InCompanion, $argument)
    };
}

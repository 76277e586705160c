//! Threads, locks and thread-local storage: those of the standard library, or those of a model checker (shuttle), which
//! tries their interleavings. Poisoned locks are used like others, because the data that they guard is valid at each
//! step.

/// Whether the platform has threads. WebAssembly without shared memory has none: whoever would wait for another thread
/// would wait for ever, and the locks and waits of the standard library panic there.
pub(crate) const THREADS: bool =
    cfg!(not(target_family = "wasm")) || cfg!(all(target_os = "wasi", target_feature = "atomics"));

/// Starts a thread of this library. Returns whether the system could start it. Signals for the process are blocked in
/// the thread, whatever the caller's own mask is: they belong to the threads of the program. Not `#[inline]`, so that
/// this large code is compiled only once.
pub(crate) fn spawn(name: &str, run: fn()) -> bool {
    // The new thread inherits the mask of its parent.
    #[cfg(unix)]
    let _blocked = crate::platform::os::BlockedSignals::begin();
    std::thread::Builder::new().name(name.to_owned()).spawn(run).is_ok()
}

/// Defines `Mutex` and `Condvar` on those of the crate `$sync`, which has the interface of the standard library.
/// `$timed`: whether time passes. If it does not, a wait ends only by a notification.
macro_rules! locks {
    ($timed:literal, $sync:ident) => {
        use std::sync::{PoisonError, TryLockError};
        pub(crate) use $sync::sync::MutexGuard;

        use crate::platform::clock::{self, Instant};

        #[derive(Debug, Default)]
        pub(crate) struct Mutex<T>($sync::sync::Mutex<T>);

        impl<T> Mutex<T> {
            pub(crate) const fn new(value: T) -> Self {
                Self($sync::sync::Mutex::new(value))
            }

            #[inline]
            pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
                self.0.lock().unwrap_or_else(PoisonError::into_inner)
            }

            /// Returns `None` if the lock is held.
            #[inline]
            pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
                match self.0.try_lock() {
                    Ok(guard) => Some(guard),
                    Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                    Err(TryLockError::WouldBlock) => None,
                }
            }
        }

        #[derive(Debug, Default)]
        pub(crate) struct Condvar($sync::sync::Condvar);

        impl Condvar {
            pub(crate) const fn new() -> Self {
                Self($sync::sync::Condvar::new())
            }

            pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
                self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
            }

            /// Also returns whether the wait has timed out.
            pub(crate) fn wait_until<'a, T>(
                &self,
                guard: MutexGuard<'a, T>,
                deadline: Instant,
            ) -> (MutexGuard<'a, T>, bool) {
                if !$timed {
                    return (self.wait(guard), false);
                }
                let left = deadline.saturating_duration_since(clock::instant());
                let waited = self.0.wait_timeout(guard, left);
                let (guard, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                (guard, waited.timed_out())
            }

            pub(crate) fn notify_one(&self) {
                self.0.notify_one();
            }

            pub(crate) fn notify_all(&self) {
                self.0.notify_all();
            }
        }
    };
}

#[cfg(all(test, memokit_model))]
pub(crate) use modelled::*;
#[cfg(not(all(test, memokit_model)))]
pub(crate) use usual::*;

/// Those of the standard library. Code that is not part of a model uses this module directly.
pub(crate) mod usual {
    #![cfg_attr(all(test, memokit_model), allow(unused_imports, unused_macros, dead_code))]

    #[cfg(feature = "persist")]
    pub(crate) use std::thread::yield_now;
    pub(crate) use std::thread_local;

    pub(crate) const MODELLED: bool = false;

    /// Called before each step that other processes can see. Does something in a model only.
    #[cfg(feature = "persist")]
    #[inline]
    pub(crate) fn step() {}

    /// Declares a static that is initialized at its first use.
    macro_rules! lazy {
        (static $name:ident: $type:ty = $make:expr;) => {
            static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $make);
        };
    }
    pub(crate) use lazy;

    locks!(true, std);
}

#[cfg(all(test, memokit_model))]
mod modelled {
    pub(crate) use shuttle::thread::yield_now;
    pub(crate) use shuttle::thread_local;

    pub(crate) const MODELLED: bool = true;

    std::thread_local! {
        /// What a model of several processes does at each step. (All threads of a model run on one of the system.)
        pub(crate) static AT_STEP: std::cell::Cell<Option<fn()>> = const { std::cell::Cell::new(None) };
    }

    pub(crate) fn step() {
        if let Some(act) = AT_STEP.get() {
            act();
        }
    }

    macro_rules! lazy {
        (static $name:ident: $type:ty = $make:expr;) => {
            shuttle::lazy_static! {
                static ref $name: $type = $make;
            }
        };
    }
    pub(crate) use lazy;

    // Time does not pass in a model.
    locks!(false, shuttle);
}

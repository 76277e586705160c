//! Threads, locks, and what a thread has to itself: the usual ones, or a model checker's, which tries their interleavings. A lock
//! that was held by a thread that panicked is as good as any: what it guards is sound at each step.

/// Starts a thread of ours, unless the system has none to give. Built once: it is much code.
pub(crate) fn spawn(name: &str, run: fn()) -> bool {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).is_ok()
}

/// The locks of a module that has those of the standard library; `$timed`: time passes.
macro_rules! locks {
    ($timed:literal, $sync:ident) => {
        use std::sync::PoisonError;
        use std::time::Instant;

        pub(crate) use $sync::sync::MutexGuard;

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

            /// Says too whether the time has come.
            pub(crate) fn wait_until<'a, T>(
                &self,
                guard: MutexGuard<'a, T>,
                until: Instant,
            ) -> (MutexGuard<'a, T>, bool) {
                if !$timed {
                    return (self.wait(guard), false);
                }
                let left = until.saturating_duration_since(Instant::now());
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

/// Locks for what is no part of a model.
pub(crate) mod usual {
    #![cfg_attr(all(test, memokit_model), allow(unused_imports, unused_macros, dead_code))]

    #[cfg(feature = "persist")]
    pub(crate) use std::thread::yield_now;
    pub(crate) use std::thread_local;

    pub(crate) const MODELLED: bool = false;

    /// A static that is made when it is first used.
    macro_rules! lazy {
        (static $name:ident: $type:ty = $make:expr;) => {
            static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $make);
        };
    }
    pub(crate) use lazy;

    locks!(true, std);

    impl<T> Mutex<T> {
        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            use std::sync::TryLockError::{Poisoned, WouldBlock};
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(Poisoned(guard)) => Some(guard.into_inner()),
                Err(WouldBlock) => None,
            }
        }
    }
}

#[cfg(all(test, memokit_model))]
mod modelled {
    pub(crate) use shuttle::thread::yield_now;
    pub(crate) use shuttle::thread_local;

    pub(crate) const MODELLED: bool = true;

    macro_rules! lazy {
        (static $name:ident: $type:ty = $make:expr;) => {
            shuttle::lazy_static! {
                static ref $name: $type = $make;
            }
        };
    }
    pub(crate) use lazy;

    // In a model no time passes.
    locks!(false, shuttle);

    impl<T> Mutex<T> {
        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

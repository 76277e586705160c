//! Locks, and what a thread has to itself: the usual ones, or a model checker's, which tries their interleavings.

#[cfg(all(test, memokit_model))]
pub(crate) use modelled::*;
#[cfg(not(all(test, memokit_model)))]
pub(crate) use usual::*;

#[cfg(not(all(test, memokit_model)))]
mod usual {
    pub(crate) use std::thread::yield_now;
    pub(crate) use std::thread_local;

    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

    pub(crate) const MODELLED: bool = false;

    /// A static that is made when it is first used.
    macro_rules! lazy {
        (static $name:ident: $type:ty = $make:expr;) => {
            static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $make);
        };
    }
    pub(crate) use lazy;
}

/// The checker's locks with parking_lot's methods.
#[cfg(all(test, memokit_model))]
mod modelled {
    use std::ops::{Deref, DerefMut};
    use std::sync::PoisonError;
    use std::time::Instant;

    use shuttle::sync;
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

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    /// Empty only while a condition is waited for.
    pub(crate) struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok().map(|held| MutexGuard(Some(held)))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_ref().expect("nobody looks while it waits")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("nobody looks while it waits")
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Condvar(sync::Condvar);

    /// In a model no time passes.
    pub(crate) struct InTime;

    impl InTime {
        pub(crate) const fn timed_out(self) -> bool {
            false
        }
    }

    impl Condvar {
        pub(crate) const fn new() -> Self {
            Self(sync::Condvar::new())
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let waited = guard.0.take().map(|held| self.0.wait(held));
            guard.0 = waited.map(|held| held.unwrap_or_else(PoisonError::into_inner));
        }

        pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _: Instant) -> InTime {
            self.wait(guard);
            InTime
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

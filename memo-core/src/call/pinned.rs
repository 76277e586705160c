//! A future that takes the place of the closure that makes it. So the arguments of a call are stored once, before the
//! first poll and after it.
#![allow(unsafe_code)]

use std::pin::Pin;

/// A closure that makes a future, or the future.
pub(crate) enum LazyFuture<L, B> {
    Maker(L),
    Future(B),
    /// The future has ended, or the closure that makes it runs or has panicked.
    Empty,
}

impl<L, B> LazyFuture<L, B> {
    /// Takes the closure out and leaves `Empty`. Does nothing if there is no closure.
    pub(crate) fn take_maker(self: Pin<&mut Self>) -> Option<L> {
        // SAFETY: nothing pinned is moved. Only a `Future` is pinned, and it stays where it is.
        let this = unsafe { self.get_unchecked_mut() };
        match this {
            Self::Maker(_) => match std::mem::replace(this, Self::Empty) {
                Self::Maker(maker) => Some(maker),
                Self::Future(_) | Self::Empty => None,
            },
            Self::Future(_) | Self::Empty => None,
        }
    }

    /// Returns the future, pinned because `self` is pinned.
    pub(crate) fn future(self: Pin<&mut Self>) -> Option<Pin<&mut B>> {
        // SAFETY: the future is not moved. It leaves its place only by `Pin::set`, which drops it there. `LazyFuture`
        // has no `Drop` of its own. It is `Unpin` only if the future is, because `Unpin` is an auto trait.
        match unsafe { self.get_unchecked_mut() } {
            Self::Future(future) => Some(unsafe { Pin::new_unchecked(future) }),
            Self::Maker(_) | Self::Empty => None,
        }
    }
}

/// A value that is never pinned, and a value that is pinned if the whole is.
pub(crate) struct PinnedWith<T, F> {
    rest: T,
    pinned: F,
}

impl<T, F> PinnedWith<T, F> {
    pub(crate) const fn new(rest: T, pinned: F) -> Self {
        Self { rest, pinned }
    }

    /// Returns both parts: the first by a plain reference, the second pinned.
    pub(crate) fn project(self: Pin<&mut Self>) -> (&mut T, Pin<&mut F>) {
        // SAFETY: `pinned` is not moved here, and nothing else gives access to it. `rest` is never pinned. `PinnedWith`
        // has no `Drop` of its own. It is `Unpin` only if `pinned` is, because `Unpin` is an auto trait.
        let this = unsafe { self.get_unchecked_mut() };
        (&mut this.rest, unsafe { Pin::new_unchecked(&mut this.pinned) })
    }
}

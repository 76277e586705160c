//! A future in the place of what makes it, so that the arguments of a call are stored once, whether it was polled or
//! not.
#![allow(unsafe_code)]

use std::pin::Pin;

/// What makes a future, or the future.
pub(crate) enum LazyFuture<L, B> {
    Maker(L),
    Future(B),
    /// The future has ended, or what makes it panicked.
    Gone,
}

impl<L, B> LazyFuture<L, B> {
    /// Takes the maker out.
    pub(crate) fn take_maker(self: Pin<&mut Self>) -> Option<L> {
        // SAFETY: nothing pinned is moved. Only a `Future` is pinned; it is left where it is.
        let this = unsafe { self.get_unchecked_mut() };
        match this {
            Self::Maker(_) => match std::mem::replace(this, Self::Gone) {
                Self::Maker(maker) => Some(maker),
                Self::Future(_) | Self::Gone => None,
            },
            Self::Future(_) | Self::Gone => None,
        }
    }

    /// The future, pinned as this is.
    pub(crate) fn future(self: Pin<&mut Self>) -> Option<Pin<&mut B>> {
        // SAFETY: the future is not moved: it leaves its place only by `Pin::set`, which drops it there. `LazyFuture` has no
        // `Drop` of its own, and is `Unpin` only if the future is, as auto traits are.
        match unsafe { self.get_unchecked_mut() } {
            Self::Future(future) => Some(unsafe { Pin::new_unchecked(future) }),
            Self::Maker(_) | Self::Gone => None,
        }
    }
}

/// Something pinned beside something that is not.
pub(crate) struct PinnedWith<T, F> {
    rest: T,
    pinned: F,
}

impl<T, F> PinnedWith<T, F> {
    pub(crate) const fn new(rest: T, pinned: F) -> Self {
        Self { rest, pinned }
    }

    pub(crate) fn project(self: Pin<&mut Self>) -> (&mut T, Pin<&mut F>) {
        // SAFETY: `pinned` is not moved from here, and nothing else gives access to it; `rest` is never pinned. `PinnedWith`
        // has no `Drop` of its own, and is `Unpin` only if `pinned` is.
        let this = unsafe { self.get_unchecked_mut() };
        (&mut this.rest, unsafe { Pin::new_unchecked(&mut this.pinned) })
    }
}

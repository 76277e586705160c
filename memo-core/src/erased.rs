//! A shared reference whose type is known by an id: an `Any` whose check is a comparison and not a call.
//!
//! Finding its cache is the first thing that every call does; `dyn Any` takes an indirect call for it.
#![allow(unsafe_code)]

use std::any::TypeId;

/// A `&'static T` for the `T` whose id it carries.
#[derive(Clone, Copy)]
pub(crate) struct Erased {
    id: TypeId,
    to: *const (),
}

// SAFETY: made of a `&'static T` with `T: Sync` alone, which may be sent to and used from any thread.
unsafe impl Send for Erased {}
unsafe impl Sync for Erased {}

impl Erased {
    pub(crate) fn new<T: Sync + 'static>(to: &'static T) -> Self {
        Self { id: TypeId::of::<T>(), to: std::ptr::from_ref(to).cast() }
    }

    #[inline]
    pub(crate) fn get<T: Sync + 'static>(self) -> Option<&'static T> {
        // SAFETY: the ids are equal, so `to` was made of a `&'static T`.
        (self.id == TypeId::of::<T>()).then(|| unsafe { &*self.to.cast::<T>() })
    }
}

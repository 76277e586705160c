//! A shared reference whose type is known by an id: an `Any` whose check is a comparison and not a call.
//!
//! Finding its cache is the first thing that every call does; `dyn Any` takes an indirect call for it.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::marker::PhantomData;

/// What a reference to a `T` goes by: by `T` itself, or by `T` and whoever asks for it.
pub(crate) struct Label<T> {
    id: TypeId,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Label<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Label<T> {}

impl<T: 'static> Label<T> {
    /// Lifetimes in `C` do not count.
    #[inline]
    pub(crate) fn of<C>() -> Self {
        Self { id: typeid::of::<(PhantomData<C>, T)>(), of: PhantomData }
    }

    #[inline]
    pub(crate) fn id(self) -> TypeId {
        self.id
    }
}

/// A `&'static T` for the `T` of the label that it carries.
#[derive(Clone, Copy)]
pub(crate) struct Erased {
    id: TypeId,
    to: *const (),
}

// SAFETY: made of a `&'static T` with `T: Sync` alone, which may be sent to and used from any thread.
unsafe impl Send for Erased {}
unsafe impl Sync for Erased {}

impl Erased {
    pub(crate) fn new<T: Sync + 'static>(label: Label<T>, to: &'static T) -> Self {
        Self { id: label.id, to: std::ptr::from_ref(to).cast() }
    }

    #[inline]
    pub(crate) fn id(self) -> TypeId {
        self.id
    }

    #[inline]
    pub(crate) fn get<T: Sync + 'static>(self, label: Label<T>) -> Option<&'static T> {
        // SAFETY: the ids are equal, and each is that of a pair whose second type is the one: `to` was made of a
        // `&'static T`. There is no lifetime in a `T: 'static` that the id would not count.
        (self.id == label.id).then(|| unsafe { &*self.to.cast::<T>() })
    }
}

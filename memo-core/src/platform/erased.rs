//! A shared reference whose type is erased and identified by an id: a replacement for `Any` that checks the type by a
//! comparison.
//!
//! Every call begins with the search for its cache. With `dyn Any`, each check of a type would be an indirect call.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::Arc;

/// Identifies a reference to a `T`: by `T` alone, or by `T` and the type of the caller.
pub(crate) struct Label<T> {
    id: TypeId,
    _type: PhantomData<fn() -> T>,
}

impl<T> Clone for Label<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Label<T> {}

impl<T: 'static> Label<T> {
    /// Makes the label of `T` and `C`. It ignores lifetimes in `C`.
    #[inline]
    pub(crate) fn of<C>() -> Self {
        Self { id: typeid::of::<(PhantomData<C>, T)>(), _type: PhantomData }
    }

    #[inline]
    pub(crate) fn id(self) -> TypeId {
        self.id
    }
}

/// A `&'static T` with the id of its label.
#[derive(Clone, Copy)]
pub(crate) struct Erased {
    id: TypeId,
    pointer: *const (),
}

// SAFETY: it is only made of a `&'static T` with `T: Sync`, which any thread may receive and use.
unsafe impl Send for Erased {}
unsafe impl Sync for Erased {}

/// Something that has the id of a label.
pub(crate) trait Labelled {
    fn id(&self) -> TypeId;
}

impl Labelled for Erased {
    #[inline]
    fn id(&self) -> TypeId {
        self.id
    }
}

impl Erased {
    pub(crate) fn new<T: Sync + 'static>(label: Label<T>, reference: &'static T) -> Self {
        Self { id: label.id, pointer: std::ptr::from_ref(reference).cast() }
    }

    #[inline]
    pub(crate) fn get<T: Sync + 'static>(self, label: Label<T>) -> Option<&'static T> {
        // SAFETY: the ids are equal, and each is the id of a pair whose second type is the type of the reference. So
        // `pointer` was made of a `&'static T`. A `T: 'static` contains no lifetime that the id could ignore.
        (self.id == label.id).then(|| unsafe { &*self.pointer.cast::<T>() })
    }
}

/// An `Arc<T>` with the id of its label.
pub(crate) struct ErasedArc {
    id: TypeId,
    pointer: *const (),
    /// Keeps what `pointer` points to.
    _owner: Arc<dyn Send + Sync>,
}

// SAFETY: it is only made of an `Arc<T>` with `T: Send + Sync`, which any thread may receive, use and drop.
unsafe impl Send for ErasedArc {}
unsafe impl Sync for ErasedArc {}

impl Labelled for ErasedArc {
    #[inline]
    fn id(&self) -> TypeId {
        self.id
    }
}

impl ErasedArc {
    pub(crate) fn new<T: Send + Sync + 'static>(label: Label<T>, value: Arc<T>) -> Self {
        Self { id: label.id, pointer: Arc::as_ptr(&value).cast(), _owner: value }
    }

    #[inline]
    pub(crate) fn get<T: Send + Sync + 'static>(&self, label: Label<T>) -> Option<&T> {
        // SAFETY: as in `Erased::get`, the type is that of the value, which lives as long as its owner here.
        (self.id == label.id).then(|| unsafe { &*self.pointer.cast::<T>() })
    }
}

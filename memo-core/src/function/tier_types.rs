//! What a cache holds of a tier that machines share. Without the feature `remote` no value of these types exists.

#[cfg(feature = "remote")]
pub(crate) use crate::remote::{
    HeldLease as Permit, OpenRemoval, Part, Search as Seeking, Tier, Writing, tag_group,
};

/// The right to write a result to the tier.
#[cfg(not(feature = "remote"))]
pub(crate) enum Permit {}
/// A removal that the tier has not confirmed.
#[cfg(not(feature = "remote"))]
pub(crate) enum OpenRemoval {}
/// The search for a value in the tier.
#[cfg(not(feature = "remote"))]
pub(crate) enum Seeking {}
/// A write that a caller waits for.
#[cfg(not(feature = "remote"))]
pub(crate) enum Writing {}

#[cfg(not(feature = "remote"))]
impl Writing {
    pub(crate) fn wait(self) {
        match self {}
    }

    pub(crate) fn poll(&mut self, _: &std::task::Waker) -> std::task::Poll<()> {
        match *self {}
    }
}

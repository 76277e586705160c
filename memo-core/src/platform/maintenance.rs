//! Maintenance by a thread of this library.

/// Something that needs maintenance each second.
pub(crate) trait Maintain: Send + Sync {
    /// Called each second by a thread that all implementors share. A panic ends only this call.
    fn tick(&self);
}

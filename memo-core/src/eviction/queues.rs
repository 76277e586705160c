//! What a policy with queues of its own does for a shard. It is a trait, so that only crates with a function that asks
//! for such a policy build it. So all functions of a policy are `#[inline]`.

use super::slot::{Look, SlotIndex};
use super::uses::Uses;

pub(crate) trait Queues: Send {
    /// Returns whether every entry has a record. If not, all entries must be filed first.
    fn is_filed(&self) -> bool;

    /// Empties the queues, because entries are in other slots now, and frees their memory: they may never be as long
    /// again.
    fn forget(&mut self);

    /// Puts all entries into the queues. They are sorted by their stamps, so by their last noted use and not by their
    /// insertion. Called before the first eviction, and before the next one each time that records were forgotten.
    fn file_all(&mut self, entries: &[(u64, u32)], look: &Look<'_, '_>);

    /// Records an entry that was put into `slot` of a shard that has `len` entries. Not called for one that replaces
    /// another: the slot and its record stay, and the stamp is new. Nothing tells of a removal: `look` then finds no
    /// entry in the slot, or a later one. So a slot may be recorded while it still has a record of an entry that was
    /// removed, and a policy drops records when they are many more than `len`.
    fn record(&mut self, slot: SlotIndex, entry: Uses<'_>, len: usize, look: &Look<'_, '_>);

    /// Takes the record of the entry that leaves. `look` tells of the entry in a slot. Records of removed entries are
    /// skipped: an entry is in the slot that is returned, and `None` says that none is left.
    fn take(&mut self, look: &Look<'_, '_>) -> Option<SlotIndex>;

    /// Returns the slots of two entries that may leave next, the more likely one first. They are only prefetched, so
    /// `None` is right where that is not known.
    fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>);

    /// Returns the bytes that it takes.
    #[cfg(test)]
    fn size(&self) -> usize;
}

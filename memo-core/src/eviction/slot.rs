//! Where an entry is.

use super::uses::Uses;

/// Tells an eviction policy of the entry in a slot.
pub(crate) type Look<'l, 'g> = dyn Fn(SlotIndex) -> Option<Uses<'g>> + 'l;

/// The index of a slot in a table. An entry keeps its slot as long as it is in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotIndex(pub(crate) u32);

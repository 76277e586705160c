//! The stack of keys by their last use, which gives stack distances: how much was used since the last use of a key.
//! (Mattson et al., "Evaluation techniques for storage hierarchies", 1970.)

use super::fenwick::Fenwick;

/// A key has a slot, and later uses have higher slots. When all slots are taken, the stack must be built again.
pub(super) struct Stack {
    /// The amounts by slot: what each key takes in a cache.
    amounts: Fenwick,
    next: u32,
    total: u64,
}

impl Stack {
    #[inline]
    pub(super) fn new(slots: usize) -> Self {
        Self { amounts: Fenwick::new(slots), next: 0, total: 0 }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.next as usize == self.amounts.len()
    }

    /// Puts a key on top, and returns its slot. There must be one left.
    #[inline]
    pub(super) fn push(&mut self, amount: u64) -> u32 {
        let slot = self.next;
        self.amounts.add(slot as usize, amount);
        self.total += amount;
        self.next += 1;
        slot
    }

    /// Takes away the key with this slot and this amount.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32, amount: u64) {
        self.amounts.add(slot as usize, amount.wrapping_neg());
        self.total -= amount;
    }

    /// Changes the amount of a key.
    #[inline]
    pub(super) fn change(&mut self, slot: u32, before: u64, after: u64) {
        self.amounts.add(slot as usize, after.wrapping_sub(before));
        self.total = self.total - before + after;
    }

    /// Returns the sum of the amounts of the keys that were used after the key with this slot.
    #[inline]
    pub(super) fn above(&self, slot: u32) -> u64 {
        self.total - self.amounts.sum_before(slot as usize + 1)
    }

    /// Returns the bytes that it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.amounts.len() * size_of::<u64>()
    }

    /// Returns the sum of all amounts.
    #[inline]
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

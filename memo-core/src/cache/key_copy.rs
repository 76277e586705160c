//! The copy of a key that is compared after the thread has stopped reading the table.

use std::cell::Cell;
use std::ops::Deref;

/// A copy of the bytes of a key. Each thread keeps the memory of one for the next.
pub(super) struct KeyCopy(Vec<u8>);

/// The largest buffer that is kept for reuse, in bytes.
const KEPT: usize = 64 << 10;

thread_local! {
    static MEMORY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl KeyCopy {
    #[inline]
    pub(super) fn of(key: &[u8]) -> Self {
        let mut copy = MEMORY.try_with(Cell::take).unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(key);
        Self(copy)
    }
}

impl Deref for KeyCopy {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for KeyCopy {
    #[inline]
    fn drop(&mut self) {
        if self.0.capacity() <= KEPT {
            let memory = std::mem::take(&mut self.0);
            let _ = MEMORY.try_with(|kept| kept.set(memory));
        }
    }
}

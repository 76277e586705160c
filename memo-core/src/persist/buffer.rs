//! Memory for one record that is read. Each thread keeps what it used last, because most records are small and short-
//! lived, and memory from the allocator has to be filled with zeros first.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// A larger buffer is freed and not kept.
const MAX_KEPT: usize = 64 << 10;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes of any content.
pub(crate) struct Buffer {
    /// At least `len` bytes.
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    pub(crate) fn new(len: usize) -> Self {
        // A thread that is ending keeps nothing any more.
        let mut bytes = KEPT.try_with(Cell::take).unwrap_or_default();
        if bytes.len() < len {
            bytes = vec![0; len];
        }
        Self { bytes, len }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes.len() <= MAX_KEPT {
            let bytes = std::mem::take(&mut self.bytes);
            let _ = KEPT.try_with(|kept| kept.set(bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_that_live_at_once_do_not_share_bytes() {
        let mut first = Buffer::new(8);
        first.fill(1);
        let mut second = Buffer::new(16);
        second.fill(2);
        assert_eq!((&first[..], &second[..]), (&[1; 8][..], &[2; 16][..]));
        drop(first);
        drop(second);
        assert_eq!(Buffer::new(4).len(), 4);
    }

    #[test]
    fn a_small_buffer_is_used_again_and_a_large_one_is_not_kept() {
        let small = Buffer::new(100);
        let at = small.as_ptr();
        drop(small);
        let again = Buffer::new(50);
        assert_eq!((again.as_ptr(), again.bytes.len()), (at, 100));
        drop(again);
        drop(Buffer::new(MAX_KEPT + 1));
        assert!(Buffer::new(1).bytes.len() <= MAX_KEPT);
    }
}

//! Keeps the memory of freed entries for new entries, so that a full cache does not call the allocator.
#![allow(unsafe_code)]

use std::alloc::Layout;

use super::entry::{Draft, Entry, Words};

/// Drafts that are no longer used, kept for new entries. All have the same layout.
pub(super) struct FreeList<H> {
    layout: Layout,
    drafts: Vec<Draft<H>>,
}

impl<H> FreeList<H> {
    /// In bytes. If an entry is larger, the allocation is a small part of the cost of an insertion.
    const MAX_SIZE: usize = 512;

    pub(super) const fn new() -> Self {
        Self { layout: Layout::new::<()>(), drafts: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Keeps a draft, unless it is too large or its layout differs from that of the others.
    pub(super) fn keep(&mut self, draft: Draft<H>) {
        if self.drafts.is_empty() {
            self.layout = draft.layout();
        }
        if draft.layout() == self.layout && self.layout.size() <= Self::MAX_SIZE {
            self.drafts.push(draft);
        }
    }

    /// Returns a draft. It reuses a free draft if that has the same layout.
    pub(super) fn draft(&mut self, hash: u64, key: &[u8], words: Words) -> Draft<H> {
        // A free draft with another layout is dropped, so that after some time all free drafts fit.
        let fits = self.layout == Entry::<H>::layout(key.len(), words);
        let spare = self.drafts.pop().filter(|_| fits);
        let Some(spare) = spare else { return Draft::new(hash, key, words) };
        if let Some(next) = self.drafts.last() {
            next.prefetch();
        }
        // SAFETY: all drafts here have this layout. (The layout is not read from the draft, because that read would
        // wait for the draft's memory.)
        unsafe { spare.reuse(hash, key, words) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Lifetime, NewEntry};
    use super::*;
    use crate::platform::clock::NEVER;

    #[test]
    fn a_free_draft_is_reused_for_an_entry_of_the_same_size() {
        let new_entry =
            |held| NewEntry { held, lifetime: Lifetime::until(NEVER), weight: None, cost: None };
        let mut free_list = FreeList::new();
        for len in [0, 4, 9, 20, 21, 200, 600, 9] {
            for n in 0..3_u64 {
                let draft = Draft::new(n, &vec![7; len], Words::default());
                free_list.keep(draft.fill(new_entry(n), None).into_draft());
            }
            let spare = free_list.len();
            assert_eq!(spare, if len == 600 { 0 } else { 3 });
            let at = free_list.drafts.last().map(|draft| draft.key().as_ptr());
            let key: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let entry = free_list.draft(8, &key, Words::default()).fill(new_entry(9), None);
            assert_eq!((entry.shared().key(), *entry.shared().held()), (&*key, 9));
            assert_eq!(at == Some(entry.shared().key().as_ptr()), spare == 3);
            // A draft of another layout does not fit and is dropped.
            while free_list.len() > 0 {
                drop(free_list.draft(1, &[1; 300], Words::default()));
            }
        }
    }
}

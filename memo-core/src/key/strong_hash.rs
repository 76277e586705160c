//! The hash that keys and tags are told apart by: SHA-256, because a folder or a tier keeps it.

use sha2::{Digest as _, Sha256};

/// A hash of bytes, added in pieces. How they were cut makes no difference.
#[derive(Default)]
pub(super) struct StrongHash(Sha256);

impl StrongHash {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

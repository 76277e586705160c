//! The hash that keys and tags are told apart by where none of them leaves the process: the standard library's, which is
//! SipHash, four times, under secrets of this process. Nobody who does not know these can make two keys that share it.

use std::hash::{BuildHasher as _, DefaultHasher, Hasher as _, RandomState};
use std::sync::LazyLock;

static SECRETS: LazyLock<[RandomState; LANES]> = LazyLock::new(Default::default);

const LANES: usize = 4;

/// A hash of bytes, added in pieces. How they were cut makes no difference.
pub(super) struct KeyedHash([DefaultHasher; LANES]);

impl Default for KeyedHash {
    /// `RandomState`s of one thread have neighbouring secrets, so each lane begins with its number too.
    fn default() -> Self {
        Self(std::array::from_fn(|lane| {
            let mut hasher = SECRETS[lane].build_hasher();
            hasher.write_usize(lane);
            hasher
        }))
    }
}

impl KeyedHash {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        for lane in &mut self.0 {
            lane.write(bytes);
        }
    }

    pub(super) fn finish(self) -> [u8; 32] {
        let mut hash = [0; 32];
        for (bytes, lane) in hash.chunks_exact_mut(8).zip(&self.0) {
            bytes.copy_from_slice(&lane.finish().to_le_bytes());
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(pieces: &[&[u8]]) -> [u8; 32] {
        let mut hash = KeyedHash::default();
        pieces.iter().for_each(|piece| hash.update(piece));
        hash.finish()
    }

    #[test]
    fn cuts_make_no_difference() {
        let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        for cut in [0, 1, 7, 8, 9, 4096, 9_999] {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(hash(&[left, right]), hash(&[&bytes]), "{cut}");
        }
    }

    #[test]
    fn each_bit_and_the_length_count_in_each_lane() {
        let bytes = [0; 100];
        let mut others: Vec<Vec<u8>> = (0..800).map(|bit| flipped(&bytes, bit)).collect();
        others.extend([bytes[1..].to_vec(), [&bytes[..], &[0]].concat()]);
        let whole = hash(&[&bytes]);
        for other in others {
            let found = hash(&[&other]);
            let lanes = found.chunks(8).zip(whole.chunks(8));
            assert!(lanes.into_iter().all(|(other, whole)| other != whole), "{other:?}");
        }
    }

    fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    }

    #[test]
    fn lanes_differ() {
        let found = hash(&[b"a"]);
        let lanes: std::collections::HashSet<_> = found.chunks(8).collect();
        assert_eq!(lanes.len(), LANES);
    }
}

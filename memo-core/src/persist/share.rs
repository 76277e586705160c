//! A share of all keys, by their hashes. Who reads all records of a directory can do so share by share, and needs the
//! memory of one.

/// A share has at most so many bytes of records in logs, or somewhat more. Their index takes as much memory if they are
/// as short as records can be. In tests, few records are too many for one share.
pub(crate) const SHARE_BYTES: u64 = if cfg!(test) { 300 } else { 32 << 20 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    number: u64,
    of: u64,
}

impl Share {
    /// All keys.
    pub(crate) const ALL: Self = Self { number: 0, of: 1 };

    /// No key.
    pub(crate) const NONE: Self = Self { number: u64::MAX, of: 2 };

    /// Divides all keys into `count` shares, or one if that is 0.
    pub(crate) fn divide(count: u64) -> impl Iterator<Item = Self> {
        let of = count.max(1);
        (0..of).map(move |number| Self { number, of })
    }

    /// Returns whether the key with that hash is one of the share.
    pub(crate) fn has(self, hash: u64) -> bool {
        self.of == 1 || hash % self.of == self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_in_one_share() {
        for count in [0, 1, 2, 7] {
            for hash in [0, 1, 41, u64::MAX] {
                assert_eq!(Share::divide(count).filter(|share| share.has(hash)).count(), 1);
            }
        }
        assert!(Share::ALL.has(7) && !Share::NONE.has(7) && !Share::NONE.has(0));
    }
}

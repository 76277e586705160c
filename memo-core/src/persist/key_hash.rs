//! The hash of a key, by which an index finds its record.

/// Returns the hash of `key`. Each snapshot and each process has a `salt` of its own, so that nobody can choose keys
/// that collide. The step is the folded multiplication of wyhash: the xor of the two halves of a 128-bit product. The
/// hashes of snapshots are on disk: a change here changes the format.
pub(crate) fn key_hash(salt: u64, key: &[u8]) -> u64 {
    let mut state = fold(salt ^ PRIMES[0], key.len() as u64 ^ PRIMES[1]);
    for chunk in key.chunks(16) {
        let mut words = [0; 16];
        words[..chunk.len()].copy_from_slice(chunk);
        let (low, high) = words.split_at(8);
        state = fold(word(low) ^ PRIMES[1], word(high) ^ state);
    }
    fold(state, salt ^ PRIMES[2])
}

/// Odd numbers with as many ones as zeros (wyhash).
const PRIMES: [u64; 3] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3];

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "takes each half of the product")]
    {
        (product as u64) ^ ((product >> 64) as u64)
    }
}

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("8 bytes"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_hash_is_the_one_that_is_on_disk() {
        // Another program computed these from docs/format.md.
        assert_eq!(key_hash(1, b""), 0x8a5a_61c0_6e14_2adb);
        assert_eq!(key_hash(2, b"a key of more than sixteen bytes"), 0x4791_1572_fe4a_dc37);
        assert_eq!(key_hash(3, b"k"), 0x6eb9_2a29_3950_84f1);
    }

    #[test]
    fn similar_keys_have_different_hashes_in_every_part() {
        let hashes: Vec<u64> = (0..100_000u32).map(|n| key_hash(3, &n.to_le_bytes())).collect();
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len());
        for shift in [0, 16, 32, 48] {
            let parts: HashSet<u64> = hashes.iter().map(|hash| (hash >> shift) & 0xffff).collect();
            assert!(parts.len() > 50_000, "{shift}: {}", parts.len());
        }
        let zeros: HashSet<u64> = (0..64).map(|len| key_hash(3, &vec![0; len])).collect();
        assert_eq!(zeros.len(), 64);
    }
}

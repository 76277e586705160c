//! SHA-256 (FIPS 180-4), by the instructions of the processor where it has them, and HMAC (RFC 2104) with it.
//!
//! The crate sha2 with its eight dependencies takes more time to build than all of this crate's other dependencies
//! together.

#[cfg(target_arch = "x86_64")]
use super::sha256_x86;

pub(crate) const LEN: usize = 32;

/// The bytes of a block.
const BLOCK: usize = 64;

/// The fractions of the cube roots of the first 64 primes.
const K: [u32; 64] = [
    0x428A_2F98,
    0x7137_4491,
    0xB5C0_FBCF,
    0xE9B5_DBA5,
    0x3956_C25B,
    0x59F1_11F1,
    0x923F_82A4,
    0xAB1C_5ED5,
    0xD807_AA98,
    0x1283_5B01,
    0x2431_85BE,
    0x550C_7DC3,
    0x72BE_5D74,
    0x80DE_B1FE,
    0x9BDC_06A7,
    0xC19B_F174,
    0xE49B_69C1,
    0xEFBE_4786,
    0x0FC1_9DC6,
    0x240C_A1CC,
    0x2DE9_2C6F,
    0x4A74_84AA,
    0x5CB0_A9DC,
    0x76F9_88DA,
    0x983E_5152,
    0xA831_C66D,
    0xB003_27C8,
    0xBF59_7FC7,
    0xC6E0_0BF3,
    0xD5A7_9147,
    0x06CA_6351,
    0x1429_2967,
    0x27B7_0A85,
    0x2E1B_2138,
    0x4D2C_6DFC,
    0x5338_0D13,
    0x650A_7354,
    0x766A_0ABB,
    0x81C2_C92E,
    0x9272_2C85,
    0xA2BF_E8A1,
    0xA81A_664B,
    0xC24B_8B70,
    0xC76C_51A3,
    0xD192_E819,
    0xD699_0624,
    0xF40E_3585,
    0x106A_A070,
    0x19A4_C116,
    0x1E37_6C08,
    0x2748_774C,
    0x34B0_BCB5,
    0x391C_0CB3,
    0x4ED8_AA4A,
    0x5B9C_CA4F,
    0x682E_6FF3,
    0x748F_82EE,
    0x78A5_636F,
    0x84C8_7814,
    0x8CC7_0208,
    0x90BE_FFFA,
    0xA450_6CEB,
    0xBEF9_A3F7,
    0xC671_78F2,
];

/// The fractions of the square roots of the first eight primes.
const START: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// A hash in progress.
#[derive(Clone)]
pub(crate) struct Sha256 {
    state: [u32; 8],
    /// The number of bytes so far. Those of the last, incomplete block are in `block`.
    len: u64,
    block: [u8; BLOCK],
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256 {
    pub(crate) const fn new() -> Self {
        Self { state: START, len: 0, block: [0; BLOCK] }
    }

    /// Returns the hash of `bytes`.
    pub(crate) fn digest(bytes: impl AsRef<[u8]>) -> [u8; LEN] {
        let mut hash = Self::new();
        hash.update(bytes);
        hash.finalize()
    }

    /// Hashes more bytes.
    pub(crate) fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.add(bytes.as_ref());
    }

    fn add(&mut self, mut bytes: &[u8]) {
        let filled = self.filled();
        self.len += bytes.len() as u64;
        if filled > 0 {
            let room = &mut self.block[filled..];
            let taken = room.len().min(bytes.len());
            room[..taken].copy_from_slice(&bytes[..taken]);
            if filled + taken < self.block.len() {
                return;
            }
            compress(&mut self.state, &self.block);
            bytes = &bytes[taken..];
        }
        let (blocks, rest) = bytes.split_at(bytes.len() / BLOCK * BLOCK);
        compress(&mut self.state, blocks);
        self.block[..rest.len()].copy_from_slice(rest);
    }

    /// Returns the hash of all bytes.
    pub(crate) fn finalize(mut self) -> [u8; LEN] {
        let bits = self.len * 8;
        let zeros = (64 + 55 - self.filled()) % 64;
        let mut padding = [0; 1 + 63 + 8];
        padding[0] = 0x80;
        padding[1 + zeros..][..8].copy_from_slice(&bits.to_be_bytes());
        self.add(&padding[..1 + zeros + 8]);
        let mut hash = [0; LEN];
        for (bytes, word) in hash.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        hash
    }

    fn filled(&self) -> usize {
        usize::from(self.len.to_le_bytes()[0]) % 64
    }
}

/// Returns the HMAC of `parts`, one after another.
#[cfg(feature = "remote")]
pub(crate) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; LEN] {
    let padded = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        let mut hash = Sha256::new();
        hash.add(&block);
        hash
    };
    let (mut inner, mut outer) = (padded(0x36), padded(0x5c));
    parts.iter().for_each(|part| inner.add(part));
    outer.add(&inner.finalize());
    outer.finalize()
}

/// Hashes bytes, which are whole blocks.
fn compress(state: &mut [u32; 8], blocks: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if sha256_x86::compress(state, blocks, &K) {
        return;
    }
    compress_by_words(state, blocks);
}

fn compress_by_words(state: &mut [u32; 8], blocks: &[u8]) {
    for block in blocks.chunks_exact(BLOCK) {
        let mut words = [0; 64];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().expect("a chunk has four bytes"));
        }
        for at in 16..64 {
            let (early, late) = (words[at - 15], words[at - 2]);
            let early = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
            let late = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
            words[at] =
                early.wrapping_add(late).wrapping_add(words[at - 16]).wrapping_add(words[at - 7]);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        for at in 0..64 {
            let sum = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & f) ^ (!e & g);
            let first = h
                .wrapping_add(sum)
                .wrapping_add(choice)
                .wrapping_add(K[at])
                .wrapping_add(words[at]);
            let sum = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let majority = (a & b) ^ (a & c) ^ (b & c);
            (h, g, f, e) = (g, f, e, d.wrapping_add(first));
            (d, c, b, a) = (c, b, a, first.wrapping_add(sum).wrapping_add(majority));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(add);
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 7 + at / 251).to_le_bytes()[0]).collect()
    }

    #[test]
    fn hashes_are_those_of_sha2() {
        for len in (0..300).chain([4096, 10_000]) {
            let bytes = bytes(len);
            let expected: [u8; 32] = sha2::Sha256::digest(&bytes).into();
            assert_eq!(Sha256::digest(&bytes), expected, "{len} bytes");
            for piece in [1, 7, 63, 64, 65, 200] {
                let mut hash = Sha256::new();
                bytes.chunks(piece).for_each(|piece| hash.update(piece));
                assert_eq!(hash.finalize(), expected, "{len} bytes in pieces of {piece}");
            }
        }
    }

    /// A processor with instructions for SHA-256 uses the other way nowhere else.
    #[test]
    fn blocks_by_words_are_those_of_sha2() {
        let bytes = bytes(BLOCK * 9);
        let mut state = START;
        compress_by_words(&mut state, &bytes);
        let mut expected = sha2::Sha256::new();
        expected.update(&bytes);
        let mut hash = Sha256::new();
        hash.state = state;
        hash.len = bytes.len() as u64;
        assert_eq!(hash.finalize()[..], expected.finalize()[..]);
    }

    #[cfg(feature = "remote")]
    #[test]
    fn codes_are_those_of_hmac() {
        use hmac::Mac as _;

        let key: [u8; 32] = bytes(32).try_into().unwrap();
        for len in [0, 1, 55, 64, 1000] {
            let bytes = bytes(len);
            let mut expected = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
            expected.update(&bytes);
            let (first, second) = bytes.split_at(len / 3);
            assert_eq!(hmac(&key, &[first, second])[..], expected.finalize().into_bytes()[..]);
        }
    }
}

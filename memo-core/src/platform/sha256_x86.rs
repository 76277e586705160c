//! SHA-256 by the instructions of x86.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi64x,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32, _mm_storeu_si128,
};

/// Hashes bytes, which are whole blocks, with the constants of the rounds. Returns false, and does nothing, if the processor lacks the instructions.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[u8], rounds: &[u32; 64]) -> bool {
    let has_them = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1");
    if has_them {
        // SAFETY: The processor has what the function uses.
        unsafe { compress_blocks(state, blocks, rounds) };
    }
    has_them
}

/// The instructions want the state as the words ABEF and CDGH, the highest first.
///
/// # Safety
/// The processor has these features.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
unsafe fn compress_blocks(state: &mut [u32; 8], blocks: &[u8], rounds: &[u32; 64]) {
    // SAFETY: All loads and stores are of 16 bytes within `state`, a block or `rounds`, and need no alignment.
    unsafe {
        let big_endian = _mm_set_epi64x(0x0C0D_0E0F_0809_0A0B, 0x0405_0607_0001_0203);
        let words = state.as_mut_ptr().cast::<__m128i>();
        let first = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xB1);
        let second = _mm_shuffle_epi32(_mm_loadu_si128(words.add(1)), 0x1B);
        let mut abef = _mm_alignr_epi8(first, second, 8);
        let mut cdgh = _mm_blend_epi16(second, first, 0xF0);
        for block in blocks.chunks_exact(64) {
            let before = (abef, cdgh);
            let bytes = block.as_ptr().cast::<__m128i>();
            // The next 16 words of the schedule, in a ring.
            let mut next =
                [0, 1, 2, 3].map(|at| _mm_shuffle_epi8(_mm_loadu_si128(bytes.add(at)), big_endian));
            for four in 0..16 {
                let constants = _mm_loadu_si128(rounds.as_ptr().cast::<__m128i>().add(four));
                let [w0, w1, w2, w3] = [0, 1, 2, 3].map(|at| next[(four + at) % 4]);
                let sums = _mm_add_epi32(w0, constants);
                cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sums);
                abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sums, 0x0E));
                if four < 12 {
                    let sum = _mm_sha256msg1_epu32(w0, w1);
                    let sum = _mm_add_epi32(sum, _mm_alignr_epi8(w3, w2, 4));
                    next[four % 4] = _mm_sha256msg2_epu32(sum, w3);
                }
            }
            abef = _mm_add_epi32(abef, before.0);
            cdgh = _mm_add_epi32(cdgh, before.1);
        }
        let first = _mm_shuffle_epi32(abef, 0x1B);
        let second = _mm_shuffle_epi32(cdgh, 0xB1);
        _mm_storeu_si128(words, _mm_blend_epi16(first, second, 0xF0));
        _mm_storeu_si128(words.add(1), _mm_alignr_epi8(second, first, 8));
    }
}

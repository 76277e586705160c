//! Random bytes for tests, the same in each run.

/// Returns bytes from a linear congruential generator with the constants of Knuth's MMIX.
pub(super) fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    })
}

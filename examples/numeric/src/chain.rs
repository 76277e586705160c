//! A chain of sites, each with a random energy, between which electrons hop.

use ndarray::Array2;

/// Returns the matrix of one sample. The energies lie within half of `strength` around zero.
pub(crate) fn matrix(sites: usize, strength: f64, sample: u64) -> Array2<f64> {
    let mut energies = random(sample);
    Array2::from_shape_fn((sites, sites), |(row, column)| match row.abs_diff(column) {
        0 => strength * (energies() - 0.5),
        1 => -1.0,
        _ => 0.0,
    })
}

/// Returns numbers from 0 to 1, always the same for a seed: SplitMix64.
fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

//! A few bytes as two words, without a call and without a loop: names and most strings are short.

/// Up to so many bytes two words hold.
pub(super) const SHORT: usize = 16;

/// The first eight bytes.
#[inline]
pub(super) fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(word)
}

/// The first and the last bytes of up to 16, which together cover them all.
#[inline]
pub(super) fn ends(bytes: &[u8]) -> (u64, u64) {
    let n = bytes.len();
    let half = |at: usize| {
        u64::from(u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
    };
    match n {
        8.. => (word(bytes), word(&bytes[n - 8..])),
        4.. => (half(0), half(n - 4)),
        1.. => {
            let middle = u64::from(bytes[n / 2]) << 8;
            (u64::from(bytes[0]) << 16 | middle | u64::from(bytes[n - 1]), 0)
        }
        0 => (0, 0),
    }
}

/// Are the bytes the same?
#[inline(always)]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && if a.len() <= FEW { same_few(a, b) } else { a == b }
}

/// Up to so many bytes [`same_few`] compares.
pub(super) const FEW: usize = 32;

/// Are these the same, of equal length up to [`FEW`]?
#[inline(always)]
pub(super) fn same_few(a: &[u8], b: &[u8]) -> bool {
    // The first and the last bytes, which may overlap.
    match a.len() {
        17.. => same_ends::<16>(a, b),
        8.. => same_ends::<8>(a, b),
        4.. => same_ends::<4>(a, b),
        2.. => same_ends::<2>(a, b),
        _ => a.first() == b.first(),
    }
}

#[inline(always)]
fn same_ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk() && a.last_chunk::<N>() == b.last_chunk()
}

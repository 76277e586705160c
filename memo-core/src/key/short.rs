//! Short byte strings as two words, without a call and without a loop. Names and most strings are short.

/// The number of bytes that two words hold.
pub(super) const SHORT: usize = 16;

/// Returns the first eight bytes as a number.
#[inline]
pub(super) fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(word)
}

/// Returns the first and the last bytes of up to 16 bytes. Together they cover all bytes.
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

/// Reports whether the bytes are equal.
#[inline(always)]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && if a.len() <= FEW { same_few(a, b) } else { a == b }
}

/// The number of bytes up to which [`same_few`] compares.
pub(super) const FEW: usize = 32;

/// Reports whether the bytes are equal. Both have the same length, which is at most [`FEW`].
#[inline(always)]
pub(super) fn same_few(a: &[u8], b: &[u8]) -> bool {
    // Compares the first and the last bytes, which may overlap.
    match a.len() {
        17.. => same_ends::<16>(a, b),
        8.. => same_ends::<8>(a, b),
        4.. => same_ends::<4>(a, b),
        2.. => same_ends::<2>(a, b),
        _ => a.first() == b.first(),
    }
}

/// Copies bytes to a place of the same length, which is at most [`FEW`].
#[inline(always)]
pub(super) fn copy_few(to: &mut [u8], bytes: &[u8]) {
    // As [`same_few`] compares them.
    match bytes.len() {
        17.. => copy_ends::<16>(to, bytes),
        8.. => copy_ends::<8>(to, bytes),
        4.. => copy_ends::<4>(to, bytes),
        2.. => copy_ends::<2>(to, bytes),
        _ => copy_ends::<1>(to, bytes),
    }
}

#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [u8], bytes: &[u8]) {
    if let (Some(to), Some(first)) = (to.first_chunk_mut::<N>(), bytes.first_chunk()) {
        *to = *first;
    }
    if let (Some(to), Some(last)) = (to.last_chunk_mut::<N>(), bytes.last_chunk()) {
        *to = *last;
    }
}

#[inline(always)]
fn same_ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk() && a.last_chunk::<N>() == b.last_chunk()
}

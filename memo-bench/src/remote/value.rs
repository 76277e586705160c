//! The results: bytes that show for which key they were made.

use crate::compute::compute;

/// Computes the result for a key.
pub(super) fn made(len: usize, n: u64) -> Vec<u8> {
    let mut value = vec![7; len];
    value[..8].copy_from_slice(&compute(n).to_le_bytes());
    value
}

/// Returns a number for a result, by which contenders are compared.
pub(super) fn number(value: &[u8]) -> u64 {
    let first = u64::from_le_bytes(value[..8].try_into().expect("8 bytes"));
    first.wrapping_mul(value.len() as u64).wrapping_add(value[value.len() - 1].into())
}

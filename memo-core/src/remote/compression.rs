//! LZ4 in its block format, without a length before it. Without the feature `lz4`, nothing is compressed or read.

/// A value of up to this many bytes is not compressed.
#[cfg(feature = "lz4")]
const MIN_LEN: usize = 1024;

/// Returns the compressed bytes of a value if that saves a tenth of them.
#[cfg(feature = "lz4")]
pub(super) fn compress(value: &[u8]) -> Option<Vec<u8>> {
    // LZ4 counts positions in 32 bits.
    if value.len() <= MIN_LEN || u32::try_from(value.len()).is_err() {
        return None;
    }
    let compressed = lz4_flex::block::compress(value);
    (compressed.len() <= value.len() - value.len().div_ceil(10)).then_some(compressed)
}

/// Returns the `len` bytes that were compressed, or `None` if `compressed` are not those of so many.
#[cfg(feature = "lz4")]
pub(super) fn decompress(compressed: &[u8], len: u64) -> Option<Vec<u8>> {
    // No byte stands for more than 255, so a stated length takes no memory that the bytes cannot fill.
    if len / 255 > compressed.len() as u64 {
        return None;
    }
    let mut value = vec![0; usize::try_from(len).ok()?];
    let written = lz4_flex::block::decompress_into(compressed, &mut value).ok()?;
    (written == value.len()).then_some(value)
}

#[cfg(not(feature = "lz4"))]
pub(super) fn compress(_value: &[u8]) -> Option<Vec<u8>> {
    None
}

#[cfg(not(feature = "lz4"))]
pub(super) fn decompress(_compressed: &[u8], _len: u64) -> Option<Vec<u8>> {
    None
}

#[cfg(all(test, feature = "lz4"))]
mod tests {
    use super::*;

    /// Returns bytes that cannot be compressed.
    fn noise(len: usize) -> Vec<u8> {
        super::super::noise::noise(1).take(len).collect()
    }

    #[test]
    fn only_long_values_are_compressed_and_only_if_that_saves_a_tenth() {
        assert_eq!(compress(&[7; 1024]), None);
        assert!(compress(&[7; 1025]).is_some());
        assert_eq!(compress(&noise(100_000)), None);
        // Of these, a little less and a little more than a tenth can be saved.
        assert_eq!(compress(&[noise(9500), vec![7; 500]].concat()), None);
        assert!(compress(&[noise(8500), vec![7; 1500]].concat()).is_some());
    }

    #[test]
    fn values_are_read_back_with_their_length_only() {
        for value in
            [vec![7; 1025], b"abcabcd".repeat(10_000), [noise(5000), vec![0; 5000]].concat()]
        {
            let compressed = compress(&value).expect("it can be compressed");
            let len = value.len() as u64;
            assert_eq!(decompress(&compressed, len), Some(value));
            for wrong in [0, 1, len - 1, len + 1, 2 * len, u64::MAX] {
                assert_eq!(decompress(&compressed, wrong), None);
            }
            for cut in [0, 1, compressed.len() / 2, compressed.len() - 1] {
                assert_eq!(decompress(&compressed[..cut], len), None);
            }
        }
    }

    #[test]
    fn the_best_ratio_is_within_the_bound() {
        let value = vec![7; 16 << 20];
        let compressed = compress(&value).expect("it can be compressed");
        assert!(value.len() / compressed.len() > 250);
        assert!(decompress(&compressed, value.len() as u64) == Some(value));
    }
}

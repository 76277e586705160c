//! Bytes as text: base64 with the alphabet for addresses, without padding.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

/// Returns the bytes, or `None` if the text was not made by [`encode`].
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut word = 0;
        for digit in group {
            word = word << 6 | value(*digit)?;
        }
        let word = word << (6 * (4 - group.len()));
        let [_, decoded @ ..] = word.to_be_bytes();
        let count = group.len().checked_sub(1).filter(|count| *count > 0)?;
        // What no byte needs is zero, so that each text has one meaning.
        if decoded[count..].iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(&decoded[..count]);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let (first, from) = match digit {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'-' => return Some(62),
        b'_' => return Some(63),
        _ => return None,
    };
    Some(u32::from(digit - first) + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        for len in 0..50_u8 {
            let bytes: Vec<u8> = (0..len).map(|n| n.wrapping_mul(83)).collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
        assert_eq!(encode(b"\xfb\xff\xfe"), "-__-");
        assert_eq!(encode(b"memo"), "bWVtbw");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["A", "AAAAA", "AB", "AAB", "A=", "A A", "\u{e9}\u{e9}"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}

//! Sizes and times as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let exponent = bytes.ilog2() / 10;
    let unit = UNITS[usize::try_from(exponent - 1).unwrap_or_default().min(UNITS.len() - 1)];
    let tenths = u128::from(bytes) * 10 / (1_u128 << (10 * exponent.min(5)));
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Returns the milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns how long ago a time was: `3 d`.
pub(crate) fn age(at: u64) -> String {
    duration(Duration::from_millis(now().saturating_sub(at)))
}

/// Returns a time in its largest unit.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        86_400.. => format!("{} d", seconds / 86_400),
        3600.. => format!("{} h", seconds / 3600),
        60.. => format!("{} min", seconds / 60),
        1.. => format!("{seconds} s"),
        0 if time.as_millis() > 0 => format!("{} ms", time.as_millis()),
        0 => format!("{} µs", time.as_micros()),
    }
}

/// Reads `30s`, `5m`, `2h`, `7d`, `500ms`.
///
/// # Errors
/// What is expected.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number and a unit: 500ms, 30s, 5m, 2h, 7d".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(expected()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(expected)
}

/// Returns bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns bytes as base64 (RFC 4648, with padding).
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let index = usize::try_from(word >> (18 - 6 * n) & 63).unwrap_or_default();
            text.push(if n > chunk.len() { '=' } else { char::from(ALPHABET[index]) });
        }
    }
    text
}

/// Reads base64.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    if text.len() % 4 != 0 {
        return None;
    }
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in digits.as_bytes().chunks(4) {
        let mut word = 0;
        for byte in chunk {
            let value = ALPHABET.iter().position(|known| known == byte)?;
            word = word << 6 | u32::try_from(value).ok()?;
        }
        let word = word << (6 * (4 - chunk.len()));
        let count = chunk.len().checked_sub(1).filter(|count| *count > 0)?;
        bytes.extend_from_slice(&word.to_be_bytes()[1..=count]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit_behind_the_point() {
        let sizes = [0, 1023, 1024, 1536, 1 << 20, (1 << 30) * 5 / 2, u64::MAX];
        let shown = sizes.map(size);
        assert_eq!(shown[..4], ["0 B", "1023 B", "1.0 KiB", "1.5 KiB"]);
        assert_eq!(shown[4..], ["1.0 MiB", "2.5 GiB", "16383.9 PiB"]);
    }

    #[test]
    fn times_are_read_and_shown() {
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "7", "d", "-1s", "1w", "99999999999999999999s", "18446744073709551615d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        let shown = [59, 60, 3600, 90_000].map(|s| duration(Duration::from_secs(s)));
        assert_eq!(shown, ["59 s", "1 min", "1 h", "1 d"]);
    }

    #[test]
    fn bytes_survive_hexadecimal_digits_and_base64() {
        for len in 0..20_u8 {
            let bytes: Vec<u8> = (0..len).map(|n| n.wrapping_mul(53)).collect();
            assert_eq!(unhex(&hex(&bytes)), Some(bytes.clone()));
            assert_eq!(unbase64(&base64(&bytes)), Some(bytes));
        }
        assert_eq!((base64(b"foob"), base64(b"fooba")), ("Zm9vYg==".into(), "Zm9vYmE=".into()));
        for wrong in ["Z", "Zm9", "Zm9v*g==", "=m9v", "Z===", "===="] {
            assert_eq!(unbase64(wrong), None, "{wrong}");
        }
        assert_eq!((unhex("0"), unhex("0g")), (None, None));
    }
}

//! Numbers of bytes as text: `64MiB`.

use crate::parse::values::unit::{self, split};

/// What an error about a size says is accepted.
const ACCEPTED: &str = "sizes are written like `512KiB`, `64MiB`, `2GiB`, `500MB` or `100B`";

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Other spellings, to name the right one in an error.
const OTHER_UNITS: [(&str, &[&str]); 5] = [
    ("B", &["byte", "bytes"]),
    ("KiB", &["k", "ki", "kibibyte", "kibibytes"]),
    ("MiB", &["m", "mi", "meg", "megs", "mebibyte", "mebibytes"]),
    ("GiB", &["g", "gi", "gig", "gigs", "gibibyte", "gibibytes"]),
    ("TiB", &["t", "ti", "tebibyte", "tebibytes"]),
];

/// Reads a size; the error is a message that says what is accepted.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("no size is given; {ACCEPTED}"));
    }
    let (number, rest) = split(text, |c| c.is_ascii_digit());
    if number.is_empty() {
        return Err(unexpected(rest));
    }
    let (unit, rest) = split(rest.trim_start(), char::is_alphabetic);
    if unit.is_empty() {
        return Err(unexpected(rest));
    }
    let factor = factor_of(unit, number)?;
    if !rest.is_empty() {
        return Err(unexpected(rest.trim_start()));
    }
    let bytes = number.parse::<u64>().ok().and_then(|count| count.checked_mul(factor));
    bytes.ok_or_else(|| {
        format!("`{text}` is more than can be counted; leave the argument out for no bound")
    })
}

fn factor_of(unit: &str, number: &str) -> Result<u64, String> {
    if let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Ok(*factor);
    }
    let names = UNITS.map(|(name, _)| name);
    Err(unit::unknown(number, unit, &names, &OTHER_UNITS, ACCEPTED))
}

fn unexpected(rest: &str) -> String {
    match rest.chars().next() {
        Some('.' | ',' | '_') => {
            format!(
                "digits alone, no fractions: write `1536MiB` for one and a half GiB; {ACCEPTED}"
            )
        }
        Some('-') => format!("a size cannot be negative; {ACCEPTED}"),
        _ => format!("`{rest}` is no part of a size; {ACCEPTED}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        for (text, bytes) in [
            ("0B", 0),
            ("100B", 100),
            ("3KiB", 3 << 10),
            ("64MiB", 64 << 20),
            (" 64 MiB ", 64 << 20),
            ("2GiB", 2 << 30),
            ("1TiB", 1 << 40),
            ("5KB", 5_000),
            ("500MB", 500_000_000),
            ("1GB", 1_000_000_000),
            ("2TB", 2_000_000_000_000),
            ("18446744073709551615B", u64::MAX),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn refused_with_the_mend() {
        for (text, mend) in [
            ("", "no size is given"),
            ("MiB", "`MiB` is no part of a size"),
            ("lots", "`lots` is no part of a size"),
            ("1.5GiB", "no fractions"),
            ("64_000KB", "digits alone"),
            ("-1MB", "negative"),
            ("64M", "did you mean `64MiB`"),
            ("64mb", "did you mean `64MB`"),
            ("64 Mib", "did you mean `64MiB`"),
            ("7 bytes", "did you mean `7B`"),
            ("7 gigs", "did you mean `7GiB`"),
            ("3 elephants", "unknown unit `elephants`"),
            ("64 MB?", "`?` is no part"),
            ("1GiB 5MiB", "`5MiB` is no part"),
            ("99999999TiB", "more than can be counted"),
            ("99999999999999999999B", "more than can be counted"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.contains(mend), "{text}: {message}");
        }
    }
}

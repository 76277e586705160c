//! Text, numbers and times in HTML.

use std::fmt::{self, Display, Formatter, Write as _};
use std::time::SystemTime;

/// So many characters of a text are shown, for a short page.
const LONGEST: usize = 1000;

/// Text whose characters have no meaning in HTML, neither between tags nor in an attribute in quotation marks.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut escaping = Escaping { out: f, left: LONGEST, is_cut: false };
        let written = write!(escaping, "{}", self.0);
        if escaping.is_cut { f.write_str("...") } else { written }
    }
}

struct Escaping<'a, 'f> {
    out: &'a mut Formatter<'f>,
    /// How many more characters there may be.
    left: usize,
    is_cut: bool,
}

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let Some(left) = self.left.checked_sub(1) else {
                self.is_cut = true;
                return Err(fmt::Error);
            };
            self.left = left;
            match c {
                '&' => self.out.write_str("&amp;")?,
                '<' => self.out.write_str("&lt;")?,
                '>' => self.out.write_str("&gt;")?,
                '"' => self.out.write_str("&quot;")?,
                '\'' => self.out.write_str("&#39;")?,
                // A page may not contain them, or they change the direction of what follows.
                '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f'..='\u{9f}' => {
                    self.out.write_char('\u{fffd}')?;
                }
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    self.out.write_char('\u{fffd}')?;
                }
                c => self.out.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A number with a comma before each three digits.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// A time as `2026-11-30T08:00:00Z`.
pub(super) fn timestamp(time: SystemTime) -> String {
    // It panics for times before 1970 and after 9999.
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let is_known = since.is_ok_and(|since| since.as_secs() < 253_402_300_800);
    if is_known {
        humantime::format_rfc3339_seconds(time).to_string()
    } else {
        "unknown".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let text = Escaped("<a href=\"x\" id='y'>&\u{0}\u{202e}\n").to_string();
        assert_eq!(text, "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;\u{fffd}\u{fffd}\n");
    }

    #[test]
    fn long_text_is_cut() {
        let text = |length| Escaped("<".repeat(length)).to_string();
        assert_eq!(text(LONGEST), "&lt;".repeat(LONGEST));
        assert_eq!(text(LONGEST + 1), format!("{}...", "&lt;".repeat(LONGEST)));
    }

    #[test]
    fn numbers_have_commas() {
        let all = [0, 7, 999, 1000, 123_456, 1_000_000, u64::MAX].map(number);
        assert_eq!(
            all,
            ["0", "7", "999", "1,000", "123,456", "1,000,000", "18,446,744,073,709,551,615"]
        );
    }

    #[test]
    fn times_are_written_as_far_as_they_can_be() {
        let at = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1 << 40), "unknown");
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "unknown");
    }
}

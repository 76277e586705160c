//! What each text begins with: its format, and a checksum of its name and of what follows.

use crate::platform::crc32c::{crc32c, crc32c_append};

/// The format of the texts.
const FORMAT: &str = "m1 ";

/// Why a text under a name of memokit's is none of memokit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something else has written it, or another version of memokit.
    Foreign,
    /// It has changed since it was written.
    Damaged,
}

impl Fault {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Foreign => "item of another program or format",
            Self::Damaged => "item that has changed since it was written",
        }
    }
}

/// Returns the text that says `content` under that name.
pub(super) fn seal(name: &str, content: &str) -> String {
    format!("{FORMAT}{:08x} {content}", sum(name, content))
}

/// Returns what a text says under that name.
///
/// # Errors
/// It says nothing.
pub(super) fn open<'t>(name: &str, text: &'t str) -> Result<&'t str, Fault> {
    let sealed = text.strip_prefix(FORMAT).ok_or(Fault::Foreign)?;
    let (found, content) = sealed.split_once(' ').ok_or(Fault::Damaged)?;
    let is_intact = u32::from_str_radix(found, 16) == Ok(sum(name, content));
    is_intact.then_some(content).ok_or(Fault::Damaged)
}

fn sum(name: &str, content: &str) -> u32 {
    crc32c_append(crc32c(name.as_bytes()), content.as_bytes())
}

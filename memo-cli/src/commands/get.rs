//! `memo get`: the value of a key.

use clap::Args;
use memo_core::error::Error;
use memo_core::inspect::{Entry, Version, key_id, key_text, shown};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::choice::{Choice, Chosen, KeyName, Named};
use crate::failure::{Done, Exit, Failure};
use crate::output::{Output, note};
use crate::units::hex;
use crate::value::Decoder;

/// Show the value of a key
///
/// The value is JSON if the folder records its type (file TYPE), and else hexadecimal digits. If several versions have
/// the key, each is shown. Exit code 1 if none has.
#[derive(Args, Debug)]
pub(crate) struct Get {
    #[command(flatten)]
    choice: Choice,
    /// The key as `memo keys` prints it, or at least 4 digits of its id
    key: String,
    /// Write the bytes as the codec wrote them
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

#[derive(Serialize)]
struct Line {
    function: String,
    version: String,
    id: String,
    key: String,
    created: u64,
    expires: Option<u64>,
    value: Option<Box<RawValue>>,
    /// The bytes, if they could not be decoded.
    hex: Option<String>,
    /// Why not.
    reason: Option<String>,
}

impl Get {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let Chosen { versions, exit } = self.choice.versions()?;
        let name = KeyName::new(&self.key);
        let (mut named, mut is_clear, mut found) = (Named::default(), true, 0);
        let mut values = Vec::new();
        for version in &versions {
            version.contents(false)?.for_each(&mut |entry| {
                if !name.is(entry.key) {
                    return Ok(());
                }
                is_clear &= named.add(entry.key);
                found += 1;
                if let Some(value) = entry.value()?.filter(|_| is_clear) {
                    values.push((version, Line::of(version, entry), value.into_owned()));
                }
                Ok(())
            })?;
        }
        if !is_clear {
            let text = format!("{} names {found} keys: give more digits of its id", self.key);
            return Err(Failure::Text(text));
        }
        for (version, line, value) in &mut values {
            self.print(out, version, line, value, found > 1)?;
        }
        if exit == Exit::Fine && values.is_empty() {
            note(&format!("memo: no stored result has the key {}", self.key));
        }
        Ok(exit.or(Exit::found_if(values.is_empty())))
    }

    fn print(
        &self,
        out: &mut Output,
        version: &Version,
        line: &mut Line,
        value: &[u8],
        is_one_of_several: bool,
    ) -> Result<(), Error> {
        if self.raw {
            return out.write(value);
        }
        let decoded = Decoder::of(version).json(value);
        if !out.is_json {
            if is_one_of_several {
                out.line(&format!("# {} {}", line.function, line.version))?;
            }
            let text = match &decoded {
                // JSON lets some control characters stand as they are.
                Ok(json) => shown(json.get()),
                Err(reason) => {
                    note(&format!("memo: shown as hexadecimal digits: {reason}"));
                    hex(value)
                }
            };
            return out.line(&text);
        }
        match decoded {
            Ok(json) => line.value = Some(json),
            Err(reason) => (line.hex, line.reason) = (Some(hex(value)), Some(reason)),
        }
        out.json(line)
    }
}

impl Line {
    fn of(version: &Version, entry: &Entry<'_>) -> Self {
        Self {
            function: version.function(),
            version: version.name(),
            id: key_id(entry.key),
            key: key_text(entry.key),
            created: entry.created,
            expires: entry.expires,
            value: None,
            hex: None,
            reason: None,
        }
    }
}

//! `memo keys`: every key, in a line.

use clap::Args;
use memo_core::error::Error;
use memo_core::inspect::{Entry, key_id, key_text};
use serde::Serialize;

use crate::choice::Choice;
use crate::failure::{Done, Exit};
use crate::output::Output;
use crate::units::{age, hex, now, size};

/// List the keys of stored results, as the arguments of the calls
///
/// A line is the id of the key, the age of the result, its size, and the arguments. `memo get` and `memo rm` take the
/// id or its first digits.
#[derive(Args, Debug)]
pub(crate) struct Keys {
    #[command(flatten)]
    choice: Choice,
    /// Leave out results that have expired
    #[arg(long)]
    live: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    function: &'a str,
    version: &'a str,
    id: String,
    key: String,
    key_hex: String,
    created: u64,
    expires: Option<u64>,
    cost_ns: Option<u128>,
    value_bytes: u64,
    sequence: u64,
    file: String,
    offset: u64,
    value_file: Option<String>,
}

impl Keys {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        let chosen = self.choice.versions()?;
        let is_one_of_several = chosen.versions.len() > 1;
        chosen.for_each(|version| {
            let (function, name) = (version.function(), version.name());
            if is_one_of_several && !out.is_json {
                out.line(&format!("# {function} {name}"))?;
            }
            let now = now();
            version.contents(false)?.for_each(&mut |entry| {
                if self.live && entry.expires.is_some_and(|at| at <= now) {
                    return Ok(());
                }
                print(out, entry, &function, &name)
            })?;
            Ok(Exit::Fine)
        })
    }
}

fn print(out: &mut Output, entry: &Entry<'_>, function: &str, version: &str) -> Result<(), Error> {
    let (id, key) = (key_id(entry.key), key_text(entry.key));
    if !out.is_json {
        let (age, size) = (age(entry.created), size(entry.value_len()));
        return out.line(&format!("{id}  {age:>6}  {size:>9}  {key}"));
    }
    out.json(&Line {
        function,
        version,
        id,
        key,
        key_hex: hex(entry.key),
        created: entry.created,
        expires: entry.expires,
        cost_ns: entry.cost.map(|cost| cost.as_nanos()),
        value_bytes: entry.value_len(),
        sequence: entry.sequence,
        file: entry.file(),
        offset: entry.offset,
        value_file: entry.value_file(),
    })
}

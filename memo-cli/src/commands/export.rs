//! `memo export`: results as JSON lines.

use clap::Args;
use memo_core::error::Error;
use memo_core::inspect::{Contents, Entry, Version, canonical, key_text};
use memo_core::persist::TAG;

use super::transfer::{Head, Line, TITLE};
use crate::choice::Choice;
use crate::failure::{Done, Exit, Failure};
use crate::output::{Output, note};
use crate::units::{base64, hex, now};
use crate::value::Decoder;

/// Write results as JSON lines, for `memo import`
///
/// A line that says whose results they are begins each version. Keys are hexadecimal digits and text, values base64.
/// What has expired is left out. Exit code 1 if something is damaged, which is left out too.
#[derive(Args, Debug)]
pub(crate) struct Export {
    #[command(flatten)]
    choice: Choice,
    /// Add each value as JSON, as far as its type is recorded
    #[arg(long)]
    decode: bool,
}

impl Export {
    pub(crate) fn run(&self, out: &mut Output) -> Done {
        self.choice.versions()?.for_each(|version| {
            let contents = version.contents(false)?;
            let exit = tell_damage(&contents)?;
            let Some(head) = head(version) else { return Ok(exit) };
            out.json(&head)?;
            let decoder = self.decode.then(|| Decoder::of(version));
            let now = now();
            contents.for_each(&mut |entry| {
                if entry.expires.is_some_and(|at| at <= now) {
                    return Ok(());
                }
                let line = line(entry, decoder.as_ref())?;
                line.map_or(Ok(()), |line| out.json(&line))
            })?;
            Ok(exit)
        })
    }
}

/// Tells a person of damage that reading the headers and the logs finds: what it holds is left out.
fn tell_damage(contents: &Contents) -> Done {
    let damage = contents.damage()?;
    for error in &damage {
        note(&format!("memo: {}", Failure::from(error.clone())));
    }
    Ok(Exit::found_if(!damage.is_empty()))
}

fn head(version: &Version) -> Option<Head> {
    let identity = version.identity.as_ref()?;
    let recorded = version.type_file.as_ref();
    Some(Head {
        memo: TITLE.to_owned(),
        function: identity.function.clone(),
        folder: version.folder(),
        version: version.name(),
        key_format: identity.key_format,
        schema: format!("{:032x}", identity.schema),
        code: format!("{:032x}", identity.code),
        place: recorded.map(|read| read.place.clone()),
        codec: recorded.map(|read| read.codec.clone()),
        type_name: recorded.map(|read| read.type_name.clone()),
        shape: recorded.map(|read| read.shape.clone()),
    })
}

/// Returns the line of a result. `None` if it is gone, or its key is no key.
fn line(entry: &Entry<'_>, decoder: Option<&Decoder>) -> Result<Option<Line>, Error> {
    let (Some(key), Some(value)) = (canonical(entry.key), entry.value()?) else { return Ok(None) };
    let nanos = |cost: std::time::Duration| u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX);
    Ok(Some(Line {
        key: hex(&key),
        text: key_text(&key),
        created: entry.created,
        expires: entry.expires,
        cost_ns: entry.cost.map(nanos),
        tags: entry.tags.chunks_exact(TAG).map(hex).collect(),
        value: base64(&value),
        decoded: decoder.and_then(|decoder| decoder.json(&value).ok()),
    }))
}

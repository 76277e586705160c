//! Traces: sequences of requests for numbered ids, read from files or drawn at random.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::access::Access;
use crate::command::Plan;

pub(crate) struct Trace {
    pub(crate) name: String,
    /// The requested ids, all of them below `ids`.
    pub(crate) requests: Vec<u32>,
    /// The number of different ids.
    pub(crate) ids: usize,
}

/// Returns the traces in the directory that `MEMOKIT_TRACES` names, or in `../shared/traces` beside the repository if
/// the variable is not set. They are sorted by name. If there is no such directory, a trace is drawn, and a line says
/// so.
pub(crate) fn all(plan: &Plan) -> Result<Vec<Trace>, String> {
    let named = std::env::var_os("MEMOKIT_TRACES").map(PathBuf::from);
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    let directory = named.as_ref().unwrap_or(&default);
    let mut traces = Vec::new();
    for path in files(directory, named.is_some())? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_end_matches(SUFFIX);
        if plan.wants(name) {
            let trace = Trace::read(name, &path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let fits = !plan.quick || trace.requests.len() <= super::QUICK;
            traces.extend(fits.then_some(trace));
        }
    }
    if traces.is_empty() && named.is_none() && !default.is_dir() {
        eprintln!(
            "no traces found: a trace is drawn by Zipf instead (MEMOKIT_TRACES may name a directory of traces)"
        );
        traces.push(Trace::drawn(if plan.quick { QUICK_DRAWN } else { 1_000_000 }));
    }
    Ok(traces)
}

const SUFFIX: &str = ".u32.zst";
/// The name of the trace that is drawn.
pub(super) const DRAWN: &str = "drawn zipf";
const QUICK_DRAWN: usize = 50_000;

fn files(directory: &Path, required: bool) -> Result<Vec<PathBuf>, String> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if required => {
            return Err(format!("cannot read {}: {error}", directory.display()));
        }
        Err(_) => return Ok(Vec::new()),
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(SUFFIX))
        .collect();
    files.sort();
    Ok(files)
}

impl Trace {
    /// Reads a file of little-endian ids, compressed by Zstandard. Ids are numbered in the order of their first
    /// appearance.
    fn read(name: &str, path: &Path) -> Result<Self, String> {
        let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        ruzstd::decoding::StreamingDecoder::new(file)
            .map_err(|error| error.to_string())?
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        let (ids, rest) = bytes.as_chunks::<4>();
        if ids.is_empty() || !rest.is_empty() {
            return Err(format!(
                "a length of {} bytes is not that of a sequence of ids",
                bytes.len()
            ));
        }
        Self::of(name, ids.iter().map(|id| u32::from_le_bytes(*id)).collect())
    }

    fn of(name: &str, requests: Vec<u32>) -> Result<Self, String> {
        let mut ids = 0;
        for id in &requests {
            match (*id as usize).cmp(&ids) {
                std::cmp::Ordering::Less => (),
                std::cmp::Ordering::Equal => ids += 1,
                std::cmp::Ordering::Greater => {
                    return Err(format!("id {id} appears before id {ids}"));
                }
            }
        }
        Ok(Self { name: name.to_owned(), requests, ids })
    }

    fn drawn(count: usize) -> Self {
        let ids = count / 10;
        let mut requests: Vec<_> = (0..).take(ids).collect();
        requests.extend(Access::Zipf.order(ids, count - ids, 1));
        Self { name: DRAWN.to_owned(), requests, ids }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_counted_and_must_first_appear_in_order() {
        assert_eq!(Trace::of("t", vec![0, 1, 0, 2]).map(|trace| trace.ids), Ok(3));
        assert!(Trace::of("t", vec![0, 2, 1]).is_err());
    }
}

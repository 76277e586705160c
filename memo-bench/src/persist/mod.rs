//! Measures `persist`, alone and beside embedded engines.

mod cached;
mod calls;
mod child;
mod compaction;
mod durabilities;
mod engine;
mod file;
mod opening;
mod processes;
mod results;

use std::path::PathBuf;

use crate::command::Plan;
use crate::scratch;

pub(crate) use results::{hits_in_log, hits_in_snapshot, insertions};

/// In a child process: the directory of its parent.
const DIRECTORY: &str = "MEMO_BENCH_DIRECTORY";

/// Returns the path with this name in the directory of this process, or of the parent process of a child.
fn directory(name: &str) -> PathBuf {
    std::env::var_os(DIRECTORY)
        .map_or_else(|| scratch::directory(name), |parent| PathBuf::from(parent).join(name))
}

/// Runs one part, or all of them. Parts start child processes, which run the steps that begin with `child-`.
pub(crate) fn run(plan: &Plan, part: &[String]) -> Result<(), String> {
    let part: Vec<_> = part.iter().map(String::as_str).collect();
    match *part {
        [] => ["durabilities", "insertions", "hits", "processes", "opening", "compaction"]
            .iter()
            .try_for_each(|part| run(plan, &[(*part).to_owned()])),
        ["durabilities"] => {
            durabilities::run(plan.quick);
            Ok(())
        }
        ["insertions"] => calls::insertions(plan),
        ["hits"] => calls::hits(plan),
        ["processes"] => processes::run(plan),
        ["opening"] => opening::run(plan),
        ["compaction"] => compaction::run(plan),
        ["child-insert", contender, count, first] => processes::insert(contender, count, first),
        ["child-fill", entries] => opening::fill(entries),
        ["child-snapshot"] => opening::snapshot(),
        ["child-open", entries] => opening::open(entries),
        _ => Err(format!("unknown part `{}` of persist: see --help", part.join(" "))),
    }
}

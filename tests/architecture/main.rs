//! The folders of memo-cli, memo-core, memo-macros and memo-redis depend on each other in one direction, as docs/design.md draws
//! them, and no files import each other in a cycle. This is a separate program because it needs `syn` to read the
//! sources.

mod arrows;
mod conditions;
mod cycles;
mod drawing;
mod modules;
mod path;
mod problems;
mod references;
mod resolve;
mod source;
mod tests;
mod tokens;

use std::fs;
use std::path::Path;

use problems::problems;
use source::Source;

#[test]
fn imports_point_downwards_and_form_no_cycle() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let design = fs::read_to_string(workspace.join("docs/design.md")).unwrap();
    let crates = ["memo-cli", "memo-core", "memo-macros", "memo-redis"]
        .map(|name| Source::read(workspace, name));
    let problems: Vec<_> = crates.iter().flat_map(|source| problems(source, &design)).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

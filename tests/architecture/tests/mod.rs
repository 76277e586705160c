//! The checker finds the problems of small crates.

mod cycles;
mod layers;
mod reading;

use crate::problems::problems;
use crate::source::Source;

/// Returns the problems of a crate `own` whose drawing has these layers.
fn check(layers: &str, files: &[(&str, &str)]) -> Vec<String> {
    let layers: String =
        layers.split(' ').map(|layer| format!("    {layer}  does something\n")).collect();
    check_drawn(&format!("# Design\n\n## Arrows\n\nown, top to bottom:\n\n{layers}"), files)
}

fn check_drawn(design: &str, files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    problems(&Source { name: "own".to_owned(), files: files.collect() }, design)
}

/// Returns the problems of a crate with the layers `high` and `low`, where `low` holds this text and `high` an item
/// `High`, a function `high` and a module `inner` with an item `Inner`.
fn low(text: &str) -> Vec<String> {
    let high = "pub struct High; pub fn high() {} pub mod inner { pub struct Inner; }";
    check("high low", &[("lib.rs", "mod high; mod low;"), ("high.rs", high), ("low.rs", text)])
}

/// Returns the problems of a crate with one layer. Its modules `a`, `b` and `c` hold these texts, and its `mod.rs` the
/// first.
fn layer(own: &str, a: &str, b: &str, c: &str) -> Vec<String> {
    let own = format!("mod a; mod b; mod c; {own}");
    let files = [
        ("lib.rs", "mod layer;"),
        ("layer/mod.rs", &*own),
        ("layer/a.rs", a),
        ("layer/b.rs", b),
        ("layer/c.rs", c),
    ];
    check("layer", &files)
}

const NONE: [&str; 0] = [];

//! The checker finds what it should, on small crates.

mod circles;
mod reading;
mod rooms;

use crate::problems::problems;
use crate::source::Source;

/// The problems of a crate `own` whose drawing has these rooms.
fn check(rooms: &str, files: &[(&str, &str)]) -> Vec<String> {
    let rooms: String =
        rooms.split(' ').map(|room| format!("    {room}  does something\n")).collect();
    check_drawn(&format!("# Design\n\n## Arrows\n\nown, top to bottom:\n\n{rooms}"), files)
}

fn check_drawn(design: &str, files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    problems(&Source { name: "own".to_owned(), files: files.collect() }, design)
}

/// The problems of a crate with the rooms `high` and `low`, where `low` holds this text and `high` an item `High`, a
/// function `high` and a module `inner` with an item `Inner`.
fn low(text: &str) -> Vec<String> {
    let high = "pub struct High; pub fn high() {} pub mod inner { pub struct Inner; }";
    check("high low", &[("lib.rs", "mod high; mod low;"), ("high.rs", high), ("low.rs", text)])
}

/// The problems of a crate with one room, whose modules `a`, `b` and `c` hold these texts, and `mod.rs` the first.
fn room(own: &str, a: &str, b: &str, c: &str) -> Vec<String> {
    let own = format!("mod a; mod b; mod c; {own}");
    let files = [
        ("lib.rs", "mod room;"),
        ("room/mod.rs", &*own),
        ("room/a.rs", a),
        ("room/b.rs", b),
        ("room/c.rs", c),
    ];
    check("room", &files)
}

const NONE: [&str; 0] = [];

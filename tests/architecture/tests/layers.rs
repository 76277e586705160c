//! Imports follow the order of the layers, and the drawing matches the crate.

use super::{NONE, check, check_drawn, low};

const UPWARD: &str = "own/src/low.rs:1 imports high, but high stands above low in docs/design.md";

#[test]
fn a_correct_tree_has_no_problems() {
    let files = [
        ("lib.rs", "mod call; mod cache; mod error; pub use call::call;"),
        ("call.rs", "use crate::cache::{Cache, Shard};\npub fn call() { crate::error::fail() }"),
        ("cache/mod.rs", "mod shard; mod table;\npub use shard::Shard;\npub struct Cache;"),
        ("cache/shard.rs", "use super::table::Table;\npub struct Shard(Table);"),
        ("cache/table.rs", "use crate::error;\npub struct Table; fn f() { error::fail() }"),
        ("error.rs", "pub fn fail() {}"),
    ];
    assert_eq!(check("call cache error", &files), NONE);
}

#[test]
fn an_upward_import_is_found() {
    assert_eq!(low("use crate::high::High;"), [UPWARD]);
    assert_eq!(low("use super::high;"), [UPWARD]);
    assert_eq!(low("pub use crate::{high::{self as other, inner::Inner}};"), [UPWARD]);
    assert_eq!(low("use crate::high::*;"), [UPWARD]);
    assert_eq!(low("fn f() { crate::high::high() }"), [UPWARD]);
    assert_eq!(low("fn f() { use super::high::High; }"), [UPWARD]);
    assert_eq!(low("struct Low(Option<crate::high::inner::Inner>);"), [UPWARD]);
}

#[test]
fn an_upward_path_in_a_macro_is_found() {
    assert_eq!(low("macro_rules! m { () => { $crate::high::high() }; }"), [UPWARD]);
    assert_eq!(low("fn f() { vec![(1, crate::high::high())]; }"), [UPWARD]);
    assert_eq!(low("m! { use crate::{high::High}; }"), [UPWARD]);
    assert_eq!(low("macro_rules! m { ($n:ident) => { use crate::high::$n; }; }"), [UPWARD]);
}

#[test]
fn an_upward_use_of_a_macro_is_found() {
    let high = "#[macro_export] macro_rules! shout { () => {}; }";
    let lib = "mod high; mod low;";
    for call in ["fn f() { crate::shout!() }", "use crate::shout;"] {
        let files = [("lib.rs", lib), ("high.rs", high), ("low.rs", call)];
        assert_eq!(check("high low", &files), [UPWARD]);
    }
    // If the path continues, the name means the module and not the macro.
    let shout = ("shout.rs", "pub struct Shout;");
    let files = [
        ("lib.rs", "mod high; mod low; mod shout;"),
        ("high.rs", high),
        shout,
        ("low.rs", "use crate::shout::Shout;"),
    ];
    assert_eq!(check("high low shout", &files), NONE);
}

#[test]
fn a_reexport_does_not_hide_an_upward_import() {
    let files = [
        ("lib.rs", "mod high; mod low; mod least;"),
        ("high/mod.rs", "mod inner; pub use inner::High;"),
        ("high/inner.rs", "pub struct High;"),
        ("low.rs", "\npub use crate::high::High;"),
        ("least.rs", "use crate::low::High;"),
    ];
    let problems = [
        "own/src/least.rs:1 imports high::inner, but high stands above least in docs/design.md",
        "own/src/low.rs:2 imports high::inner, but high stands above low in docs/design.md",
    ];
    assert_eq!(check("high low least", &files), problems);
}

#[test]
fn the_root_is_above_all_layers_and_may_import_from_all() {
    let files = [("lib.rs", "mod a; use a::A;\npub struct Own;"), ("a.rs", "pub struct A;")];
    assert_eq!(check("a", &files), NONE);
    let files = [("lib.rs", "mod a; pub struct Own;"), ("a.rs", "use crate::Own;")];
    let problem = "own/src/a.rs:1 imports the crate's root, but the crate's root stands above a in docs/design.md";
    assert_eq!(check("a", &files), [problem]);
}

#[test]
fn a_wrong_drawing_is_reported() {
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", ""), ("b/mod.rs", "")];
    let problems = [
        "docs/design.md: does not draw b of own/src/",
        "docs/design.md: draws a of own/src/ twice",
        "docs/design.md: draws c, which is not in own/src/",
    ];
    assert_eq!(check("a c a", &files), problems);
    let missing = "docs/design.md: no layers are drawn after a line \"own, top to bottom:\"";
    assert_eq!(
        check_drawn("## Arrows\n\nother, top to bottom:\n\n    a\n    b\n", &files),
        [missing]
    );
    assert_eq!(check_drawn("## More\n\nown, top to bottom:\n\n    a\n    b\n", &files), [missing]);
}

#[test]
fn a_drawing_may_have_several_forms() {
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", ""), ("b/mod.rs", "")];
    let blocks = [
        "own, top to bottom:\n\n    a    text\n         more text\n    b\n\nText.\n",
        "own, top to bottom:\n\n```text\na.rs  text\n  more text\n`b/`\n```\n\nText.\n",
        "```\nown, top to bottom:\n\na\nb\nother, top to bottom:\nc\n```\n",
        "    own, top to bottom:\n\n    a\n    b\n## Next\n",
    ];
    for block in blocks {
        assert_eq!(check_drawn(&format!("## Arrows\n\n{block}"), &files), NONE, "{block}");
    }
}

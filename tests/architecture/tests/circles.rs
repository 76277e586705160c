//! Files that import each other.

use super::{NONE, check, room};

const TWO: &str = "own/src/room/a.rs:1 imports room::b, which imports room::a (line 2): a circle";

#[test]
fn of_two() {
    let a = "use super::b::B; pub struct A;";
    let b = "\nuse super::a::A; pub struct B;";
    assert_eq!(room("", a, b, ""), [TWO]);
    assert_eq!(room("", a, "\nfn f(a: super::super::room::a::A) {}", ""), [TWO]);
    assert_eq!(room("", a, "\nuse crate::room::a; fn f() { a::A; }", ""), [TWO]);
    assert_eq!(room("", a, "\nuse crate::room::a; pub fn f() { m!(#[x] a::A) }", ""), [TWO]);
    assert_eq!(room("", a, "\nuse super::a::*; fn f() { A; }", ""), [TWO]);
}

#[test]
fn of_two_rooms() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "\nuse crate::a::A; pub struct B;"),
    ];
    let problems = [
        "own/src/a.rs:1 imports b, which imports a (line 2): a circle",
        "own/src/b.rs:2 imports a, but a stands above b in docs/design.md",
    ];
    assert_eq!(check("a b", &files), problems);
}

#[test]
fn of_three() {
    let b = "pub struct B; use super::c::C;";
    let c = "pub struct C;\n\nuse super::a::A;";
    let problem = "own/src/room/a.rs:1 imports room::b, which imports room::c (line 1), \
        which imports room::a (line 3): a circle";
    assert_eq!(room("", "use super::b::B; pub struct A;", b, c), [problem]);
}

#[test]
fn a_knot_is_told_circle_by_circle() {
    let a = "use super::{b::B, c::C}; pub struct A;";
    let problems = room("", a, "use super::a::A; pub struct B;", "use super::a::A; pub struct C;");
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn through_a_reexport() {
    let a = "use super::b::B; pub struct A;";
    assert_eq!(room("pub use a::A;", a, "\nuse super::A; pub struct B;", ""), [TWO]);
    assert_eq!(room("pub use a::A as Other;", a, "\nuse super::Other; pub struct B;", ""), [TWO]);
    assert_eq!(room("pub use a::*;", a, "\nuse crate::room::A; pub struct B;", ""), [TWO]);
    assert_eq!(
        room("pub use c::A;", a, "\nuse super::A; pub struct B;", "pub use super::a::A;"),
        [TWO]
    );
}

#[test]
fn none_by_a_reexport_alone() {
    let a = "use super::Limit; pub struct A;";
    assert_eq!(room("pub use a::A; pub struct Limit;", a, "", ""), NONE);
    assert_eq!(room("pub use a::*; pub struct Limit;", a, "", ""), NONE);
    // Where the folder's own code needs the item too, there is one.
    let problem = "own/src/room/mod.rs:1 imports room::a, which imports room (line 1): a circle";
    assert_eq!(room("pub use a::A; pub struct Limit(A);", a, "", ""), [problem]);
    assert_eq!(room("use a::A; pub struct Limit;", a, "", ""), [problem]);
}

#[test]
fn none_by_what_a_macro_names_where_it_is_called() {
    let a = "use super::b::B; pub struct A;";
    let b = "pub struct B; macro_rules! m { () => { $crate::room::a::A }; }";
    assert_eq!(room("", a, b, ""), NONE);
    let b = "\nmacro_rules! m { () => { crate::room::a::A }; }\npub struct B;";
    assert_eq!(room("", a, b, ""), [TWO]);
}

#[test]
fn none_by_names_of_other_crates() {
    let files = [
        ("lib.rs", "mod core; mod std;"),
        ("core.rs", "use crate::std::Std; use std::fmt; pub struct Core;"),
        ("std.rs", "pub struct Std; fn f() { core::mem::drop(::core::mem::take::<u8>) }"),
    ];
    assert_eq!(check("core std", &files), NONE);
}

#[test]
fn a_function_named_as_its_module() {
    let files = [
        ("lib.rs", "mod bypass; mod low; pub use bypass::bypass;"),
        ("bypass.rs", "use crate::low::low; pub fn bypass() {}"),
        ("low.rs", "use crate::bypass; pub fn low() { bypass() }"),
    ];
    let problems = [
        "own/src/bypass.rs:1 imports low, which imports bypass (line 1): a circle",
        "own/src/low.rs:1 imports bypass, but bypass stands above low in docs/design.md",
    ];
    assert_eq!(check("bypass low", &files), problems);
}

//! Cycles of files that import each other are found.

use super::{NONE, check, layer};

const TWO: &str = "own/src/layer/a.rs:1 imports layer::b, which imports layer::a (line 2): a cycle";

#[test]
fn a_cycle_of_two_files_is_found() {
    let a = "use super::b::B; pub struct A;";
    let b = "\nuse super::a::A; pub struct B;";
    assert_eq!(layer("", a, b, ""), [TWO]);
    assert_eq!(layer("", a, "\nfn f(a: super::super::layer::a::A) {}", ""), [TWO]);
    assert_eq!(layer("", a, "\nuse crate::layer::a; fn f() { a::A; }", ""), [TWO]);
    assert_eq!(layer("", a, "\nuse crate::layer::a; pub fn f() { m!(#[x] a::A) }", ""), [TWO]);
    assert_eq!(layer("", a, "\nuse super::a::*; fn f() { A; }", ""), [TWO]);
}

#[test]
fn a_cycle_of_two_layers_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "\nuse crate::a::A; pub struct B;"),
    ];
    let problems = [
        "own/src/a.rs:1 imports b, which imports a (line 2): a cycle",
        "own/src/b.rs:2 imports a, but a stands above b in docs/design.md",
    ];
    assert_eq!(check("a b", &files), problems);
}

#[test]
fn a_cycle_of_three_files_is_found() {
    let b = "pub struct B; use super::c::C;";
    let c = "pub struct C;\n\nuse super::a::A;";
    let problem = "own/src/layer/a.rs:1 imports layer::b, which imports layer::c (line 1), \
        which imports layer::a (line 3): a cycle";
    assert_eq!(layer("", "use super::b::B; pub struct A;", b, c), [problem]);
}

#[test]
fn overlapping_cycles_are_reported_one_by_one() {
    let a = "use super::{b::B, c::C}; pub struct A;";
    let problems = layer("", a, "use super::a::A; pub struct B;", "use super::a::A; pub struct C;");
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn a_cycle_through_a_reexport_is_found() {
    let a = "use super::b::B; pub struct A;";
    assert_eq!(layer("pub use a::A;", a, "\nuse super::A; pub struct B;", ""), [TWO]);
    assert_eq!(layer("pub use a::A as Other;", a, "\nuse super::Other; pub struct B;", ""), [TWO]);
    assert_eq!(layer("pub use a::*;", a, "\nuse crate::layer::A; pub struct B;", ""), [TWO]);
    assert_eq!(
        layer("pub use c::A;", a, "\nuse super::A; pub struct B;", "pub use super::a::A;"),
        [TWO]
    );
}

#[test]
fn a_reexport_alone_makes_no_cycle() {
    let a = "use super::Limit; pub struct A;";
    assert_eq!(layer("pub use a::A; pub struct Limit;", a, "", ""), NONE);
    assert_eq!(layer("pub use a::*; pub struct Limit;", a, "", ""), NONE);
    // If the code of the folder itself needs the item, there is a cycle.
    let problem = "own/src/layer/mod.rs:1 imports layer::a, which imports layer (line 1): a cycle";
    assert_eq!(layer("pub use a::A; pub struct Limit(A);", a, "", ""), [problem]);
    assert_eq!(layer("use a::A; pub struct Limit;", a, "", ""), [problem]);
}

#[test]
fn a_path_of_a_macro_that_is_resolved_at_its_call_makes_no_cycle() {
    let a = "use super::b::B; pub struct A;";
    let b = "pub struct B; macro_rules! m { () => { $crate::layer::a::A }; }";
    assert_eq!(layer("", a, b, ""), NONE);
    let b = "\nmacro_rules! m { () => { crate::layer::a::A }; }\npub struct B;";
    assert_eq!(layer("", a, b, ""), [TWO]);
}

#[test]
fn names_of_other_crates_make_no_cycle() {
    let files = [
        ("lib.rs", "mod core; mod std;"),
        ("core.rs", "use crate::std::Std; use std::fmt; pub struct Core;"),
        ("std.rs", "pub struct Std; fn f() { core::mem::drop(::core::mem::take::<u8>) }"),
    ];
    assert_eq!(check("core std", &files), NONE);
}

#[test]
fn a_function_with_the_name_of_its_module_is_resolved() {
    let files = [
        ("lib.rs", "mod bypass; mod low; pub use bypass::bypass;"),
        ("bypass.rs", "use crate::low::low; pub fn bypass() {}"),
        ("low.rs", "use crate::bypass; pub fn low() { bypass() }"),
    ];
    let problems = [
        "own/src/bypass.rs:1 imports low, which imports bypass (line 1): a cycle",
        "own/src/low.rs:1 imports bypass, but bypass stands above low in docs/design.md",
    ];
    assert_eq!(check("bypass low", &files), problems);
}

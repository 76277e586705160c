//! Which code counts, and for which file.

use super::{NONE, check, layer, low};

#[test]
fn code_for_tests_does_not_count() {
    let conditions =
        ["test", "fuzzing", "all(test, feature = \"x\")", "any(test, fuzzing)", "not(not(test))"];
    for condition in conditions {
        let code = [
            "use crate::high::High;",
            "mod tests { use crate::high::High; }",
            "fn f() { crate::high::high() }",
        ];
        for code in code {
            assert_eq!(low(&format!("#[cfg({condition})] {code}")), NONE, "{condition}: {code}");
        }
    }
    assert_eq!(low("#[cfg(test)] mod not_a_file;"), NONE);
    assert_eq!(low("impl Low { #[cfg(test)] fn f() { crate::high::high() } }"), NONE);
    assert_eq!(low("struct Low { #[cfg(test)] high: crate::high::High }"), NONE);
    assert_eq!(low("fn f() { #[cfg(test)] let a = crate::high::high(); }"), NONE);
    assert_eq!(low("fn f() { #[cfg(test)] crate::high::high(); }"), NONE);
    assert_eq!(low("fn f() { match 0 { #[cfg(test)] 0 => crate::high::high(), _ => {} } }"), NONE);
}

#[test]
fn code_under_other_conditions_counts() {
    for condition in
        ["not(test)", "unix", "feature = \"x\"", "any(test, unix)", "not(all(test, unix))"]
    {
        assert_eq!(
            low(&format!("#[cfg({condition})] use crate::high::High;")).len(),
            1,
            "{condition}"
        );
    }
}

#[test]
fn emitted_code_does_not_count() {
    assert_eq!(low("fn f() { quote!(crate::high::High) }"), NONE);
    assert_eq!(low("fn f() { g(|| m!(quote::quote! { use super::high::High; })) }"), NONE);
}

#[test]
fn visibilities_attributes_and_comments_do_not_count() {
    assert_eq!(
        low(
            "//! [`crate::high::High`]\n#[doc = \"\"] #[x(crate::high)] pub(in crate::high) fn f() {}"
        ),
        NONE
    );
}

#[test]
fn words_in_a_macro_that_are_no_path_of_the_crate_do_not_count() {
    let macro_of = |tokens| format!("pub struct Limit; m!({tokens});");
    let a = "use super::Limit; pub struct A;";
    for tokens in ["::a::A", "$a::A", "'a::A", "x.a::A", "a.A", "\"a::A\""] {
        assert_eq!(layer(&macro_of(tokens), a, "", ""), NONE, "{tokens}");
    }
    for tokens in ["a::A", "x: a::A", "0..a::A", "&'a a::A", "$x, a::A!{}", "<X as a::A>::B"] {
        assert_eq!(layer(&macro_of(tokens), a, "", "").len(), 1, "{tokens}");
    }
}

#[test]
fn a_module_inside_a_file_counts_as_part_of_the_file() {
    let files = [
        ("lib.rs", "mod a { pub mod b; pub struct A; } mod c;"),
        ("a/b.rs", "pub mod d { use super::super::A;\nuse super::B; } pub struct B; use crate::c;"),
        ("c.rs", "use crate::a::b::d;"),
    ];
    let problems = [
        "own/src/a/b.rs:1 imports the crate's root, but the crate's root stands above a in docs/design.md",
        "own/src/c.rs:1 imports a::b, but a stands above c in docs/design.md",
    ];
    assert_eq!(check("a c", &files), problems);
}

#[test]
fn files_named_by_a_path_attribute_are_found() {
    let files = [
        ("lib.rs", "mod a; #[path = \"other/place.rs\"] mod b;"),
        ("a/mod.rs", "#[path = \"../other/near.rs\"] mod near;"),
        ("other/place.rs", "mod below;"),
        ("other/below.rs", "use crate::a::A;"),
        ("other/near.rs", "use super::super::a::A;"),
    ];
    let upward = |place, line| {
        format!(
            "own/src/other/{place}.rs:{line} imports a, but a stands above other in docs/design.md"
        )
    };
    assert_eq!(check("a other", &files), [upward("below", 1), upward("near", 1)]);
}

#[test]
fn a_folder_and_the_file_beside_it_are_one_layer() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod inner; pub struct A;"),
        ("a/inner.rs", "use super::A; use crate::b::B;"),
        ("b.rs", "pub struct B;"),
    ];
    assert_eq!(check("a b", &files), NONE);
}

#[test]
fn a_macro_of_the_parent_module_is_resolved() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "macro_rules! m { () => {}; }\nmod b; fn f() { b::f() }"),
        ("a/b.rs", "pub fn f() { m!() }"),
    ];
    let problem = "own/src/a/mod.rs:2 imports a::b, which imports a (line 1): a cycle";
    assert_eq!(check("a", &files), [problem]);
}

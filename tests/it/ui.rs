//! Compile errors: what rustc prints for each class of mistake.

/// `TRYBUILD=overwrite cargo test --test it ui` accepts the current output.
#[test]
fn mistakes_are_reported_under_their_tokens() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}

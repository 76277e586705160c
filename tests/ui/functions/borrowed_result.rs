use memokit::memoize;
use std::borrow::Cow;

#[memoize]
fn elided(text: &str) -> &str {
    text
}

#[memoize]
fn named<'a>(text: &'a str, _other: &str) -> Option<&'a str> {
    Some(text)
}

#[memoize]
fn hidden(text: &str) -> Cow<'_, str> {
    text.into()
}

fn main() {}

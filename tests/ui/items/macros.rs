use memokit::memoize;

macro_rules! functions {
    ($($name:ident)*) => {
        $(fn $name() {})*
    };
}

#[memoize]
functions! { a b }

#[memoize]
use std::fmt;

fn main() {}

//! Instances of a generic impl whose types have one name: what one stored the other never returns.

use std::marker::PhantomData;

use memokit::memoize;

use crate::support::{folder, restarts};

struct Map<F>(F);

impl<F: Fn(u32) -> u32 + 'static> Map<F> {
    #[memoize(persist = folder(), durability = "os", skip(self))]
    fn map(&self, n: u32) -> u32 {
        (self.0)(n)
    }
}

/// Both closures have the name of this function.
fn mapped(which: u32) -> u32 {
    match which {
        0 => Map(|n| n + 1).map(7),
        _ => Map(|n| n * 100).map(7),
    }
}

#[test]
fn closures_of_one_function() {
    restarts!(|| assert_eq!(mapped(0), 8), || assert_eq!(mapped(1), 700));
}

#[test]
fn closures_of_one_function_in_one_process() {
    restarts!(|| assert_eq!((mapped(0), mapped(1)), (8, 700)), || assert_eq!(
        (mapped(1), mapped(0)),
        (700, 8)
    ),);
}

trait Named {
    const NAME: &'static str;
}

struct Of<T>(PhantomData<T>);

impl<T: Named + 'static> Of<T> {
    #[memoize(persist = folder(), durability = "os")]
    fn through_self(n: u32) -> String {
        Self::text(n)
    }

    #[memoize(persist = folder(), durability = "os")]
    fn by_parameter(n: u32) -> String {
        format!("{} {n}", T::NAME)
    }

    #[memoize(persist = folder(), durability = "os", companion = none)]
    fn alone(n: u32) -> String {
        format!("{} {n}", T::NAME)
    }

    fn text(n: u32) -> String {
        format!("{} {n}", T::NAME)
    }
}

/// The answers with one of two types of one name.
macro_rules! answers {
    ($name:literal) => {{
        struct Local;
        impl Named for Local {
            const NAME: &'static str = $name;
        }
        [Of::<Local>::through_self(1), Of::<Local>::by_parameter(1), Of::<Local>::alone(1)]
    }};
}

fn answers(which: u32) -> [String; 3] {
    match which {
        0 => answers!("first"),
        _ => answers!("second"),
    }
}

#[test]
fn types_of_one_name_in_two_blocks() {
    restarts!(
        || assert_eq!(answers(0), ["first 1"; 3]),
        || assert_eq!(answers(1), ["second 1"; 3]),
        || assert_eq!(answers(0), ["first 1"; 3]),
    );
}

//! Instances of a generic impl whose types have the same name never return each other's stored results.

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

/// Both closures have the same type name, which is made of the name of this function.
fn mapped(which: u32) -> u32 {
    match which {
        0 => Map(|n| n + 1).map(7),
        _ => Map(|n| n * 100).map(7),
    }
}

#[test]
fn closures_of_one_function_never_share_stored_results() {
    restarts!(|| assert_eq!(mapped(0), 8), || assert_eq!(mapped(1), 700));
}

#[test]
fn closures_of_one_function_have_separate_caches_in_one_process() {
    restarts!(|| assert_eq!((mapped(0), mapped(1)), (8, 700)), || assert_eq!(
        (mapped(1), mapped(0)),
        (700, 8)
    ),);
}

trait Named {
    const NAME: &'static str;
}

struct Typed<T>(PhantomData<T>);

impl<T: Named + 'static> Typed<T> {
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

/// Calls the functions with a local type. All such types have the same name.
macro_rules! answers {
    ($name:literal) => {{
        struct Local;
        impl Named for Local {
            const NAME: &'static str = $name;
        }
        [Typed::<Local>::through_self(1), Typed::<Local>::by_parameter(1), Typed::<Local>::alone(1)]
    }};
}

fn answers(which: u32) -> [String; 3] {
    match which {
        0 => answers!("first"),
        _ => answers!("second"),
    }
}

#[test]
fn types_of_one_name_in_two_blocks_never_share_stored_results() {
    restarts!(
        || assert_eq!(answers(0), ["first 1"; 3]),
        || assert_eq!(answers(1), ["second 1"; 3]),
        || assert_eq!(answers(0), ["first 1"; 3]),
    );
}

#[memoize(persist = folder(), durability = "os")]
fn name_of<T: Named + 'static>(n: u32) -> String {
    format!("{} {n}", T::NAME)
}

trait Answers {
    fn answer() -> (String, Result<(), memokit::Error>);
}

struct First;
struct Second;

/// Implements [`Answers`] with a type that is local to a constant. All such types have the same name.
macro_rules! in_a_constant {
    ($ty:ty, $name:literal) => {
        const _: () = {
            struct Local;

            impl Named for Local {
                const NAME: &'static str = $name;
            }

            impl Answers for $ty {
                fn answer() -> (String, Result<(), memokit::Error>) {
                    let text = name_of::<Local>(1);
                    (text, name_of_memo::<Local>().health())
                }
            }
        };
    };
}

in_a_constant!(First, "first");
in_a_constant!(Second, "second");

fn check_not_stored<T: Answers>(expected: &str) {
    let (text, health) = T::answer();
    assert_eq!(text, expected);
    let refused = health.expect_err("a local type is refused");
    assert!(matches!(&refused, memokit::Error::Unpersistable { .. }), "{refused}");
    assert!(refused.to_string().contains("local to a function or a constant"), "{refused}");
}

#[test]
fn instances_for_types_in_a_constant_are_not_stored() {
    restarts!(|| check_not_stored::<First>("first 1"), || check_not_stored::<Second>("second 1"));
}

//! Functions that look alike never share a cache.

use memokit::memoize;

use crate::support::restarts;

mod left {
    use memokit::memoize;

    #[memoize]
    pub(super) fn side(_n: u32) -> &'static str {
        "left"
    }
}

mod right {
    use memokit::memoize;

    #[memoize]
    pub(super) fn side(_n: u32) -> &'static str {
        "right"
    }
}

#[test]
fn functions_of_one_name_in_two_modules_have_separate_caches() {
    for _ in 0..2 {
        assert_eq!((left::side(1), right::side(1)), ("left", "right"));
    }
    assert_eq!(left::side_memo().get(&left::side_key(1)), Some("left"));
    assert_eq!(right::side_memo().get(&right::side_key(1)), Some("right"));
}

mod stored {
    /// Two modules, each with a function of the same name and text.
    macro_rules! module {
        ($module:ident, $side:literal) => {
            pub(super) mod $module {
                const SIDE: &str = $side;

                #[memokit::memoize(persist = crate::support::folder(), durability = "os")]
                pub(crate) fn side(n: u32) -> String {
                    format!("{SIDE} {n}")
                }
            }
        };
    }

    module!(left, "left");
    module!(right, "right");
}

#[test]
fn functions_of_one_name_in_two_modules_never_share_stored_results() {
    restarts!(
        || assert_eq!(stored::left::side(1), "left 1"),
        || assert_eq!(stored::right::side(1), "right 1"),
        || assert_eq!(
            (stored::left::side(1), stored::right::side(1)),
            ("left 1".into(), "right 1".into())
        ),
    );
}

fn stored_in_first(n: u32) -> u32 {
    const ADDED: u32 = 10;
    #[memoize(persist = crate::support::folder(), durability = "os")]
    fn inner(n: u32) -> u32 {
        n + ADDED
    }
    inner(n)
}

fn stored_in_second(n: u32) -> u32 {
    const ADDED: u32 = 20;
    #[memoize(persist = crate::support::folder(), durability = "os")]
    fn inner(n: u32) -> u32 {
        n + ADDED
    }
    inner(n)
}

#[test]
fn nested_functions_of_one_name_never_share_stored_results() {
    restarts!(
        || assert_eq!(stored_in_first(1), 11),
        || assert_eq!(stored_in_second(1), 21),
        || assert_eq!((stored_in_first(1), stored_in_second(1)), (11, 21)),
    );
}

struct Small;
struct Large;

impl Small {
    const SIZE: u32 = 1;

    #[memoize(persist = crate::support::folder(), durability = "os", skip(self))]
    fn size(&self) -> u32 {
        Self::SIZE
    }
}

impl Large {
    const SIZE: u32 = 100;

    #[memoize(persist = crate::support::folder(), durability = "os", skip(self))]
    fn size(&self) -> u32 {
        Self::SIZE
    }
}

#[test]
fn methods_of_one_name_of_two_types_never_share_stored_results() {
    restarts!(|| assert_eq!(Small.size(), 1), || assert_eq!(Large.size(), 100), || assert_eq!(
        (Small.size(), Large.size(), Small.size()),
        (1, 100, 1)
    ),);
}

/// A memoized function whose text means something else in each block. It returns its argument plus `$added`.
macro_rules! in_a_block {
    ($added:literal) => {{
        const ADDED: u32 = $added;

        #[memoize(persist = crate::support::folder(), durability = "os")]
        fn inner(n: u32) -> u32 {
            n + ADDED
        }

        struct Local;

        impl Local {
            #[memoize(persist = crate::support::folder(), durability = "os")]
            fn own(n: u32) -> u32 {
                n + ADDED
            }
        }

        trait Adds {
            #[memoize(persist = crate::support::folder(), durability = "os", skip(self))]
            fn added(&self, n: u32) -> u32 {
                n + ADDED
            }
        }

        impl Adds for Small {}

        mod module {
            const ADDED: u32 = $added;

            #[memokit::memoize(persist = crate::support::folder(), durability = "os")]
            pub(super) fn inner(n: u32) -> u32 {
                n + ADDED
            }
        }

        [inner(0), Local::own(0), Small.added(0), module::inner(0)]
    }};
}

/// Blocks that one use of a macro writes, so that even the location of their functions is the same.
macro_rules! nth_block {
    ($which:expr => $($number:literal: $added:literal),*) => {
        match $which {
            $($number => in_a_block!($added),)*
            _ => unreachable!(),
        }
    };
}

#[test]
fn functions_of_one_name_in_two_blocks_never_share_stored_results() {
    fn block(which: u32) -> [u32; 4] {
        if which == 0 { in_a_block!(10) } else { in_a_block!(20) }
    }
    restarts!(|| assert_eq!(block(0), [10; 4]), || assert_eq!(block(1), [20; 4]), || assert_eq!(
        (block(0), block(1)),
        ([10; 4], [20; 4])
    ),);
}

#[test]
fn functions_in_two_blocks_from_one_macro_never_share_stored_results() {
    fn block(which: u32) -> [u32; 4] {
        nth_block!(which => 0: 10, 1: 20)
    }
    restarts!(|| assert_eq!(block(0), [10; 4]), || assert_eq!(block(1), [20; 4]));
}

trait InConst {
    fn added() -> u32;
}

const _: () = {
    impl InConst for Small {
        fn added() -> u32 {
            nth(0)
        }
    }

    const ADDED: u32 = 10;

    #[memoize(persist = crate::support::folder(), durability = "os")]
    fn nth(n: u32) -> u32 {
        n + ADDED
    }
};

const _: () = {
    impl InConst for Large {
        fn added() -> u32 {
            nth(0)
        }
    }

    const ADDED: u32 = 20;

    #[memoize(persist = crate::support::folder(), durability = "os")]
    fn nth(n: u32) -> u32 {
        n + ADDED
    }
};

#[test]
fn functions_of_one_name_in_two_constants_never_share_stored_results() {
    restarts!(|| assert_eq!(Small::added(), 10), || assert_eq!(Large::added(), 20));
}

mod named {
    macro_rules! module {
        ($module:ident, $rate:literal) => {
            pub(super) mod $module {
                const RATE: u32 = $rate;

                #[memokit::memoize(name = "rate", persist = crate::support::folder(), durability = "os")]
                pub(crate) fn rate(n: u32) -> u32 {
                    n + RATE
                }
            }
        };
    }

    module!(one, 10);
    module!(two, 20);
}

#[test]
fn functions_with_one_report_name_never_share_stored_results() {
    restarts!(
        || assert_eq!(named::one::rate(0), 10),
        || assert_eq!(named::two::rate(0), 20),
        || assert_eq!((named::one::rate(0), named::two::rate(0)), (10, 20)),
    );
}

fn first(n: u32) -> (u32, usize) {
    #[memoize]
    fn inner(n: u32) -> u32 {
        n + 1
    }
    (inner(n), inner_memo().len())
}

fn second(n: u32) -> (u32, usize) {
    #[memoize]
    fn inner(n: u32) -> u32 {
        n + 2
    }
    (inner(n), inner_memo().len())
}

#[test]
fn nested_functions_of_one_name_have_separate_caches() {
    assert_eq!((first(1), second(1)), ((2, 1), (3, 1)));
    assert_eq!((first(1), second(1)), ((2, 1), (3, 1)));
}

macro_rules! constant {
    ($module:ident, $value:expr) => {
        mod $module {
            #[memokit::memoize]
            pub(super) fn constant() -> u32 {
                $value
            }
        }
    };
}

constant!(one, 1);
constant!(two, 2);

#[test]
fn functions_from_two_uses_of_a_macro_have_separate_caches() {
    for _ in 0..2 {
        assert_eq!((one::constant(), two::constant()), (1, 2));
    }
    assert_eq!(one::constant_memo().get(&one::constant_key()), Some(1));
    assert_eq!(two::constant_memo().get(&two::constant_key()), Some(2));
}

macro_rules! blocks {
    ($($value:expr),*) => {
        [$({
            #[memokit::memoize]
            fn block() -> u32 {
                $value
            }
            (block(), block_memo().len())
        }),*]
    };
}

#[test]
fn functions_repeated_by_a_macro_in_one_function_have_separate_caches() {
    assert_eq!(blocks!(1, 2, 3), [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(blocks!(4, 4), [(4, 1), (4, 1)]);
}

#[test]
fn functions_with_one_report_name_have_separate_caches() {
    #[memoize(name = "it::twins")]
    fn a(n: u32) -> u32 {
        n + 1
    }
    #[memoize(name = "it::twins")]
    fn b(n: u32) -> u32 {
        n + 2
    }
    assert_eq!((a(1), b(1), a(1), b(1)), (2, 3, 2, 3));
    assert_eq!((a_memo().len(), b_memo().len()), (1, 1));
}

/// Types whose functions come from one macro: the same file, line and text.
macro_rules! types {
    ($($name:ident $value:expr;)*) => {$(
        struct $name;
        impl $name {
            #[memokit::memoize]
            fn value() -> u32 {
                $value
            }
        }
    )*};
}

types! {
    A 1;
    B 2;
}

#[test]
fn associated_functions_from_a_macro_have_separate_caches() {
    assert_eq!((A::value(), B::value(), A::value(), B::value()), (1, 2, 1, 2));
    assert_eq!(A::value_memo().get(&A::value_key()), Some(1));
    assert_eq!(B::value_memo().get(&B::value_key()), Some(2));
}

trait Tagged {
    const TAG: &'static str;
}

impl Tagged for A {
    const TAG: &'static str = "A";
}

impl Tagged for B {
    const TAG: &'static str = "B";
}

trait Over<P: Tagged + Send + Sync + 'static>: 'static {
    #[memoize(skip(self))]
    fn tagged(&self, n: u32) -> String {
        format!("{} {n}", P::TAG)
    }

    #[memoize(skip(self), companion = none)]
    fn tagged_alone(&self, n: u32) -> String {
        format!("{} {n}", P::TAG)
    }

    #[memoize(skip(self))]
    fn nothing(&self) -> Option<&'static P> {
        None
    }
}

struct Both;

impl Over<A> for Both {}
impl Over<B> for Both {}

#[test]
fn a_default_method_has_one_cache_per_trait_parameter() {
    for _ in 0..2 {
        assert_eq!(Over::<A>::tagged(&Both, 1), "A 1");
        assert_eq!(Over::<B>::tagged(&Both, 1), "B 1");
        assert_eq!(Over::<A>::tagged_alone(&Both, 1), "A 1");
        assert_eq!(Over::<B>::tagged_alone(&Both, 1), "B 1");
    }
    let (a, b) = (<Both as Over<A>>::tagged_memo(), <Both as Over<B>>::tagged_memo());
    assert_eq!((a.len(), b.len()), (1, 1));
    a.clear();
    assert_eq!((a.len(), b.len()), (0, 1));
}

#[test]
fn a_default_method_may_return_another_type_per_trait_parameter() {
    assert!(Over::<A>::nothing(&Both).is_none());
    assert!(Over::<B>::nothing(&Both).is_none());
}

struct By<T>(std::marker::PhantomData<T>);

impl<T: Tagged + 'static> By<T> {
    #[memoize]
    fn tag(n: u32) -> String {
        format!("{} {n}", T::TAG)
    }
}

/// Returns the result of `tag` for a local type that shares its name with another.
macro_rules! tag_of_a_local {
    ($tag:literal) => {{
        struct Local;
        impl Tagged for Local {
            const TAG: &'static str = $tag;
        }
        By::<Local>::tag(1)
    }};
}

#[test]
fn local_types_of_one_name_have_separate_caches() {
    for _ in 0..2 {
        assert_eq!(
            (tag_of_a_local!("first"), tag_of_a_local!("second")),
            ("first 1".into(), "second 1".into())
        );
    }
}

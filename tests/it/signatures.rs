//! Parameters of borrowing types, types that come from a macro, and all kinds of `self` are accepted.

use std::borrow::Cow;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use memokit::memoize;
use serde::Serialize;

#[test]
fn borrowing_parameters_are_keyed_by_content() {
    #[memoize]
    #[expect(clippy::too_many_arguments)]
    fn all(
        text: &str,
        numbers: &[u32],
        twice: &&str,
        perhaps: Option<&str>,
        list: Vec<&str>,
        texts: &[&str],
        cow: Cow<'_, str>,
        path: &Path,
        array: &[u8; 2],
    ) -> String {
        let parts = [text, twice, perhaps.unwrap_or("-"), &list.concat(), &texts.concat(), &cow];
        format!("{} {numbers:?} {} {array:?}", parts.concat(), path.display())
    }
    let owned = String::from("b");
    let call = |perhaps| {
        let list = vec![&*owned, "c"];
        all("a", &[1], &&*owned, perhaps, list, &["d"], Cow::Borrowed("e"), Path::new("f"), &[1, 2])
    };
    for _ in 0..2 {
        assert_eq!(call(None), "ab-bcde [1] f [1, 2]");
        assert_eq!(call(Some("")), "abbcde [1] f [1, 2]");
    }
    assert_eq!((all_memo().stats().hits, all_memo().len()), (2, 2));
}

/// A function whose types are arguments of a macro.
macro_rules! converts {
    ($name:ident, $from:ty => $to:ty, $how:expr) => {
        #[memoize]
        fn $name(from: $from) -> $to {
            let how: fn($from) -> $to = $how;
            how(from)
        }
    };
}

converts!(length, &str => usize, |text| text.len());
converts!(number, &str => Result<u32, std::num::ParseIntError>, |text| text.parse());
converts!(pair, (u8, Option<u8>) => (u8, u8), |(a, b)| (a, b.unwrap_or(a)));

#[test]
fn types_may_come_from_a_macro() {
    for _ in 0..2 {
        assert_eq!((length("abc"), number("7"), pair((1, None))), (3, Ok(7), (1, 1)));
        assert!(number("x").is_err());
    }
    assert_eq!((length_memo().stats().hits, number_memo().stats().hits), (1, 1));
    assert_eq!(number_memo().len(), 1, "an error is not cached");
}

#[derive(Serialize, Clone)]
struct Shelf(u32);

impl Shelf {
    #[memoize]
    fn shared(self: Arc<Self>, n: u32) -> u32 {
        self.0 + n
    }

    #[memoize(scope = "thread")]
    fn counted(self: Rc<Self>, n: u32) -> Rc<u32> {
        Rc::new(self.0 + n)
    }

    #[memoize]
    #[expect(clippy::boxed_local)]
    fn boxed(self: Box<Self>, mut n: u32) -> u32 {
        n += self.0;
        n
    }

    #[memoize]
    fn emptied(mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

#[test]
fn all_kinds_of_receivers_are_accepted() {
    let shelf = Shelf(5);
    for _ in 0..2 {
        assert_eq!(Arc::new(shelf.clone()).shared(1), 6);
        assert_eq!(*Rc::new(shelf.clone()).counted(2), 7);
        assert_eq!(Box::new(shelf.clone()).boxed(3), 8);
        assert_eq!(shelf.clone().emptied(), 6);
    }
    let hits = [Shelf::shared_memo(), Shelf::boxed_memo(), Shelf::emptied_memo()];
    assert_eq!(hits.map(|memo| memo.stats().hits), [1; 3]);
    assert_eq!(Shelf::counted_memo().stats().hits, 1);
}

#[test]
fn parameters_may_have_names_of_the_expansion_and_the_function() {
    #[memoize]
    #[allow(non_snake_case)]
    fn value(value: u32, miss: u32, key: u32, found: u32, __memokit: u32, SITE: u32) -> u32 {
        value + miss + key + found + __memokit + SITE
    }
    assert_eq!((value(1, 2, 3, 4, 5, 6), value(1, 2, 3, 4, 5, 6)), (21, 21));
    assert_eq!(value_memo().stats().hits, 1);
}

/// Functions of which all but the type of the parameter is an argument of a macro.
macro_rules! functions {
    ($($(#[$attribute:meta])* $visible:vis fn $name:ident($n:ident) -> $to:ty $body:block)*) => {$(
        #[memoize]
        $(#[$attribute])*
        $visible fn $name($n: u32) -> $to $body
    )*};
}

functions! {
    /// Documented.
    #[must_use]
    pub(crate) fn doubled(n) -> u64 {
        if n == 0 {
            return 1;
        }
        u64::from(n) * 2
    }

    #[inline(never)]
    fn halved(n) -> Option<u32> { Some(n.checked_div(2)? + 1) }
}

/// A function that is the argument of a macro as a whole.
macro_rules! item {
    ($item:item) => {
        #[memoize(max = 2)]
        $item
    };
}

item! {
    fn tripled(n: u32) -> u32 {
        n * 3
    }
}

#[test]
fn functions_may_come_from_a_macro() {
    for _ in 0..2 {
        assert_eq!((doubled(0), doubled(2), halved(5), tripled(2)), (1, 4, Some(3), 6));
    }
    assert_eq!((doubled_memo().stats().hits, halved_memo().stats().hits), (2, 1));
    assert_eq!((tripled_memo().stats().hits, tripled_memo().max()), (1, Some(2)));
}

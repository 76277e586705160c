//! A type under observation: sample values, and what counts as a difference between them.

use std::fmt::Debug;

use memokit::{Key, memoize};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::row::Row;
use crate::storage::{Storage, store};

/// Values with the labels that the page shows.
pub type Samples<T> = Vec<(&'static str, T)>;

/// A type and two makings of the same samples, so that each value has an equal one that was made apart from it.
pub struct Subject<T> {
    name: &'static str,
    made: [Samples<T>; 2],
    equal: fn(&T, &T) -> bool,
    seen: fn(&T) -> String,
    store: fn(&Samples<T>, fn(&T) -> String) -> Option<Storage>,
}

/// Observes a type that can be an argument and a result. Values are equal by `==`, and a function sees what `Debug`
/// shows.
pub fn value<T, const N: usize>(
    name: &'static str,
    make: impl Fn() -> [(&'static str, T); N],
) -> Subject<T>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    Subject { name, made: twice(make), equal: T::eq, seen: debug, store }
}

/// Observes a type that can only be an argument.
pub fn argument<T, const N: usize>(
    name: &'static str,
    make: impl Fn() -> [(&'static str, T); N],
) -> Subject<T>
where
    T: Serialize + PartialEq + Debug,
{
    Subject { name, made: twice(make), equal: T::eq, seen: debug, store: |_, _| None }
}

/// Observes a type without `==` or `Debug`, of which a function sees what `seen` returns.
pub fn opaque<T, const N: usize>(
    name: &'static str,
    seen: fn(&T) -> String,
    make: impl Fn() -> [(&'static str, T); N],
) -> Subject<T>
where
    T: Serialize + DeserializeOwned + 'static,
{
    Subject { name, made: twice(make), equal: |_, _| false, seen, store }
}

/// Observes a type without `==` or `Debug` that can only be an argument.
pub fn opaque_argument<T: Serialize, const N: usize>(
    name: &'static str,
    seen: fn(&T) -> String,
    make: impl Fn() -> [(&'static str, T); N],
) -> Subject<T> {
    Subject { name, made: twice(make), equal: |_, _| false, seen, store: |_, _| None }
}

fn twice<T, const N: usize>(make: impl Fn() -> [(&'static str, T); N]) -> [Samples<T>; 2] {
    [make().into(), make().into()]
}

fn debug<T: Debug>(value: &T) -> String {
    format!("{value:?}")
}

/// What a pair of samples showed.
#[derive(PartialEq)]
enum Pair {
    Hit,
    Miss,
    Shared,
    Apart,
}

impl<T: Serialize> Subject<T> {
    /// Replaces `Debug`, for a type whose `Debug` shows more or less than a function can see.
    pub fn seen(mut self, seen: fn(&T) -> String) -> Self {
        self.seen = seen;
        self
    }

    /// Observes, without a remark.
    pub fn row(self) -> Row {
        self.way("")
    }

    /// Observes. `way` is the remark of the row: the way out.
    ///
    /// # Panics
    /// If no two samples differ, because such a row shows nothing.
    pub fn way(self, way: &'static str) -> Row {
        let labels = |pairs: Vec<(Pair, String)>, kind: Pair| -> Vec<String> {
            pairs.into_iter().filter(|(pair, _)| *pair == kind).map(|(_, label)| label).collect()
        };
        let pairs = self.pairs();
        let differ = self.made[0]
            .iter()
            .any(|(_, value)| (self.seen)(value) != (self.seen)(&self.made[0][0].1));
        assert!(differ, "{}", self.name);
        Row {
            name: self.name,
            hits: pairs.iter().any(|(pair, _)| *pair == Pair::Hit),
            misses: labels(self.pairs(), Pair::Miss),
            shared: labels(pairs, Pair::Shared),
            unkeyable: self.unkeyable(),
            storage: (self.store)(&self.made[0], self.seen),
            way,
        }
    }

    /// Compares each sample with its equal and with each other sample, as far as they have keys.
    fn pairs(&self) -> Vec<(Pair, String)> {
        let [first, second] = &self.made;
        let mut pairs = Vec::new();
        for (n, (label, a)) in first.iter().enumerate() {
            for (other, b) in &second[n..] {
                if key(a).is_keyable() && key(b).is_keyable() {
                    let label = if label == other {
                        format!("{label} / again")
                    } else {
                        format!("{label} / {other}")
                    };
                    pairs.push((self.pair(a, b), label));
                }
            }
        }
        pairs
    }

    fn pair(&self, a: &T, b: &T) -> Pair {
        let differ = (self.seen)(a) != (self.seen)(b);
        match (key(a) == key(b), differ, (self.equal)(a, b)) {
            (true, true, _) => Pair::Shared,
            (true, false, _) => Pair::Hit,
            (false, true, false) => Pair::Apart,
            (false, ..) => Pair::Miss,
        }
    }

    fn unkeyable(&self) -> Vec<String> {
        let without = self.made[0].iter().filter(|(_, value)| !key(value).is_keyable());
        without.map(|(label, _)| (*label).to_owned()).collect()
    }
}

/// Returns the key of a call of a memoized function with this argument.
fn key<T: Serialize>(argument: &T) -> Key {
    #[memoize]
    fn keyed<T: Serialize>(argument: &T) {
        let _ = argument;
    }
    keyed_key(argument)
}

//! The bytes that a value owns outside itself, for `max_bytes`.
//!
//! An expansion chooses by method resolution on a [`Scale`]: the bytes that the value reports; else the bytes that a
//! container allocates for its elements; else nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::marker::PhantomData;
use std::mem::size_of_val;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Values that report how many bytes they own outside themselves, for the bound `max_bytes`.
///
/// The types of the standard library implement it if their contents do. For your own type, return the sum over its
/// fields. A type that owns nothing needs no method.
///
/// ```
/// # use memo_core::value::weigh::Weigh;
/// struct Page {
///     title: String,
///     lines: Vec<String>,
///     number: u32,
/// }
///
/// impl Weigh for Page {
///     fn heap_size(&self) -> usize {
///         self.title.heap_size() + self.lines.heap_size()
///     }
/// }
///
/// #[derive(Clone)]
/// struct Point(f64, f64);
///
/// impl Weigh for Point {}
///
/// let page = Page { title: "four".to_owned(), lines: vec!["...".to_owned(); 10], number: 4 };
/// assert_eq!(page.heap_size(), 4 + 10 * (size_of::<String>() + 3));
/// assert_eq!(vec![Point(0.0, 1.0); 3].heap_size(), 48);
/// # assert_eq!(page.number, 4);
/// ```
pub trait Weigh {
    /// Returns the bytes that the value owns outside itself. Shared contents (an `Arc`) count in full. The cache calls
    /// it once for each value that it stores, and holds no lock meanwhile.
    fn heap_size(&self) -> usize {
        0
    }
}

/// Containers that report the bytes allocated for their elements, without the bytes that the elements own.
pub trait Shell {
    #[doc(hidden)]
    fn shell_size(&self) -> usize;
}

/// The strong and the weak count, which precede a shared value.
const COUNTS: usize = 2 * size_of::<usize>();

macro_rules! own_nothing {
    ($($type:ty),* $(,)?) => { $(impl Weigh for $type {})* };
}

own_nothing! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, (), str,
    std::time::Duration, std::time::Instant, std::time::SystemTime, std::cmp::Ordering,
    std::net::IpAddr, std::net::Ipv4Addr, std::net::Ipv6Addr, std::net::SocketAddr,
    std::num::NonZeroU8, std::num::NonZeroU16, std::num::NonZeroU32, std::num::NonZeroU64,
    std::num::NonZeroUsize, Path,
}

impl<T: ?Sized> Weigh for &T {}
impl<T: ?Sized> Weigh for PhantomData<T> {}

macro_rules! own_bytes {
    ($($type:ty: $length:ident),* $(,)?) => {$(
        impl Weigh for $type {
            fn heap_size(&self) -> usize {
                self.$length()
            }
        }
    )*};
}

own_bytes!(String: capacity, PathBuf: capacity, OsString: capacity);

impl Weigh for CString {
    fn heap_size(&self) -> usize {
        self.as_bytes_with_nul().len()
    }
}

/// Implements both traits for containers: the bytes allocated for the elements, and those that the elements report.
macro_rules! containers {
    ($([$($parameters:tt)*] $type:ty, $this:ident => $shell:expr, [$($element:ident),*] $elements:expr;)*) => {$(
        impl<$($parameters)*> Shell for $type {
            fn shell_size(&self) -> usize {
                let $this = self;
                $shell
            }
        }

        impl<$($parameters)*> Weigh for $type
        where
            $($element: Weigh),*
        {
            fn heap_size(&self) -> usize {
                let $this = self;
                let elements: usize = $elements;
                elements.saturating_add(self.shell_size())
            }
        }
    )*};
}

fn sum<'a, T: Weigh + 'a>(elements: impl IntoIterator<Item = &'a T>) -> usize {
    elements.into_iter().map(Weigh::heap_size).fold(0, usize::saturating_add)
}

fn sum_pairs<'a, K, V>(entries: impl IntoIterator<Item = (&'a K, &'a V)>) -> usize
where
    K: Weigh + 'a,
    V: Weigh + 'a,
{
    let entries = entries.into_iter().map(|(k, v)| k.heap_size().saturating_add(v.heap_size()));
    entries.fold(0, usize::saturating_add)
}

/// Returns the bytes that a hash table allocates for `capacity` entries: an eighth of its slots stays free, and each
/// slot has one byte of metadata.
fn table<T>(capacity: usize) -> usize {
    let slots = if capacity == 0 { 0 } else { (capacity * 8 / 7).next_power_of_two() };
    slots.saturating_mul(size_of::<T>() + 1)
}

containers! {
    [T] Box<T>, this => size_of_val(&**this), [T] (**this).heap_size();
    [T] Box<[T]>, this => size_of_val(&**this), [T] sum(&**this);
    [T] Rc<T>, this => COUNTS + size_of_val(&**this), [T] (**this).heap_size();
    [T] Rc<[T]>, this => COUNTS + size_of_val(&**this), [T] sum(&**this);
    [T] Arc<T>, this => COUNTS + size_of_val(&**this), [T] (**this).heap_size();
    [T] Arc<[T]>, this => COUNTS + size_of_val(&**this), [T] sum(&**this);
    [T] Vec<T>, this => this.capacity() * size_of::<T>(), [T] sum(this);
    [T] VecDeque<T>, this => this.capacity() * size_of::<T>(), [T] sum(this);
    [T] BinaryHeap<T>, this => this.capacity() * size_of::<T>(), [T] sum(this);
    [T] LinkedList<T>, this => this.len() * (size_of::<T>() + COUNTS), [T] sum(this);
    [T] BTreeSet<T>, this => this.len() * size_of::<T>(), [T] sum(this);
    [K, V] BTreeMap<K, V>, this => this.len() * size_of::<(K, V)>(), [K, V] sum_pairs(this);
    [T, S] HashSet<T, S>, this => table::<T>(this.capacity()), [T] sum(this);
    [K, V, S] HashMap<K, V, S>, this => table::<(K, V)>(this.capacity()), [K, V] sum_pairs(this);
}

macro_rules! text {
    ($($type:ty),*) => {$(
        impl Weigh for $type {
            fn heap_size(&self) -> usize {
                size_of_val(&**self)
            }
        }
    )*};
}

text!(Box<str>, Box<Path>);

macro_rules! shared_text {
    ($($type:ty),*) => {$(
        impl Weigh for $type {
            fn heap_size(&self) -> usize {
                COUNTS + size_of_val(&**self)
            }
        }
    )*};
}

shared_text!(Rc<str>, Arc<str>, Rc<Path>, Arc<Path>);

impl<T: Weigh> Weigh for Option<T> {
    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, Weigh::heap_size)
    }
}

impl<T: Shell> Shell for Option<T> {
    fn shell_size(&self) -> usize {
        self.as_ref().map_or(0, Shell::shell_size)
    }
}

impl<T: Weigh, E: Weigh> Weigh for Result<T, E> {
    fn heap_size(&self) -> usize {
        self.as_ref().map_or_else(Weigh::heap_size, Weigh::heap_size)
    }
}

impl<B: ToOwned<Owned: Weigh> + ?Sized> Weigh for Cow<'_, B> {
    fn heap_size(&self) -> usize {
        match self {
            Cow::Borrowed(_) => 0,
            Cow::Owned(owned) => owned.heap_size(),
        }
    }
}

impl<T: Weigh> Weigh for [T] {
    fn heap_size(&self) -> usize {
        sum(self)
    }
}

impl<T: Weigh, const N: usize> Weigh for [T; N] {
    fn heap_size(&self) -> usize {
        sum(self)
    }
}

macro_rules! tuples {
    ($([$($element:ident)*])*) => {$(
        impl<$($element: Weigh),*> Weigh for ($($element,)*) {
            fn heap_size(&self) -> usize {
                #[expect(non_snake_case, reason = "each element is named after its type")]
                let ($($element,)*) = self;
                [$($element.heap_size()),*].into_iter().fold(0, usize::saturating_add)
            }
        }
    )*};
}

tuples! {
    [A] [A B] [A B C] [A B C D] [A B C D E] [A B C D E F] [A B C D E F G] [A B C D E F G H]
    [A B C D E F G H I] [A B C D E F G H I J] [A B C D E F G H I J K] [A B C D E F G H I J K L]
}

/// A value that represents the type of a cache's values in the method resolution that chooses how to weigh them.
#[derive(Debug)]
pub struct Scale<V>(PhantomData<fn() -> V>);

impl<V> Clone for Scale<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Scale<V> {}

impl<V> Scale<V> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

/// Traits whose methods make the choice. Method resolution prefers the implementation with more references.
pub mod scale {
    use super::{Scale, Shell, Weigh};

    macro_rules! choices {
        ($($trait:ident for [$($generics:tt)*] $scale:ty => $heap:expr;)*) => {$(
            #[doc(hidden)]
            pub trait $trait {
                type Value;
                fn __memokit_heap(self) -> fn(&Self::Value) -> usize;
            }
            impl<$($generics)*> $trait for $scale {
                type Value = V;
                fn __memokit_heap(self) -> fn(&V) -> usize {
                    $heap
                }
            }
        )*};
    }

    choices! {
        WeighAll for [V: Weigh] &&Scale<V> => V::heap_size;
        WeighShell for [V: Shell] &Scale<V> => V::shell_size;
        WeighNothing for [V] Scale<V> => |_| 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_outside_the_value_are_counted() {
        assert_eq!(5_u64.heap_size() + "text".heap_size() + [1_u8; 9].heap_size(), 0);
        let text = String::with_capacity(100);
        assert_eq!(text.heap_size(), 100);
        assert_eq!(vec![text.clone(), String::new()].heap_size(), 2 * 24 + text.clone().capacity());
        assert_eq!(Vec::<u16>::with_capacity(8).heap_size(), 16);
        assert_eq!(Some(Box::new([0_u32; 4])).heap_size(), 16);
        assert_eq!(Box::<[u8]>::from([1, 2, 3]).heap_size(), 3);
        assert_eq!(Arc::<str>::from("four").heap_size(), COUNTS + 4);
        assert_eq!(Arc::new(Box::new(1_u64)).heap_size(), COUNTS + 8 + 8);
        assert_eq!((text, 7_u8, vec![1_u8]).heap_size(), 101);
        assert_eq!(
            Cow::Borrowed("ab").heap_size() + Cow::<str>::Owned("ab".to_owned()).heap_size(),
            2
        );
        assert_eq!(Err::<u8, _>(vec![0_u8; 3]).heap_size(), 3);
        let map: BTreeMap<u32, String> = [(1, "abc".to_owned())].into();
        assert_eq!(map.heap_size(), size_of::<(u32, String)>() + 3);
    }

    #[test]
    fn a_hash_table_counts_its_allocation() {
        for entries in [0, 1, 3, 7, 28, 1000] {
            let set: HashSet<u64> = (0..entries).collect();
            let minimum = set.capacity() * 9;
            assert!((minimum..=minimum * 5 / 2 + 9).contains(&set.heap_size()), "{entries}");
        }
        assert_eq!(HashMap::<u64, u64>::new().heap_size(), 0);
    }

    #[test]
    #[expect(clippy::needless_borrow, reason = "expansions call it this way")]
    fn elements_without_weigh_count_by_their_size() {
        use scale::{WeighAll as _, WeighNothing as _, WeighShell as _};
        struct Unweighed {
            _text: String,
        }
        let unweighed = || Unweighed { _text: "text".to_owned() };
        let container = (&&Scale::<Vec<Unweighed>>::NEW).__memokit_heap();
        assert_eq!(container(&vec![unweighed(), unweighed()]), 2 * size_of::<Unweighed>());
        assert_eq!((&&Scale::<Unweighed>::NEW).__memokit_heap()(&unweighed()), 0);
        let weighed = (&&Scale::<Vec<String>>::NEW).__memokit_heap();
        assert_eq!(weighed(&vec!["text".to_owned()]), size_of::<String>() + 4);
    }
}

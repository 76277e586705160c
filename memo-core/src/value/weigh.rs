//! The bytes that a value owns outside itself, for `max_bytes`.
//!
//! A weight is never less than what the value allocated, because it stands for memory. An allocator's own overhead is
//! not counted. Types whose contents may grow after they were weighed (`RefCell`, `Mutex`, `OnceLock`) have no weight.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::mem::{align_of_val, size_of_val};
use std::num::{Saturating, Wrapping};
use std::ops::{Bound, ControlFlow, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// Values that report how many bytes they own outside themselves, for the bound `max_bytes`.
///
/// The types of the standard library implement it if their contents do. For your own type, derive it
/// (`#[derive(memokit::Weigh)]`), or return the sum over its fields. A type that owns nothing needs no method.
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
#[diagnostic::on_unimplemented(
    message = "`max_bytes` cannot tell how many bytes `{Self}` owns",
    label = "holds `{Self}`, which is not `memokit::Weigh`",
    note = "for your own type, write `#[derive(memokit::Weigh)]`",
    note = "for another crate's type, say what a result weighs: `weigh = |value| ...` on the function",
    note = "if what it owns is not to be counted, write `weigh = shallow`, or `#[weigh(shallow)]` on a derived type's \
            field"
)]
pub trait Weigh {
    /// Returns the bytes that the value owns outside itself. Shared contents (an `Arc`) count in full at each place
    /// that holds them. The cache calls it once for each value that it stores, and holds no lock meanwhile.
    fn heap_size(&self) -> usize {
        0
    }
}

impl<T: ?Sized> Weigh for &T {}

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

macro_rules! pointers {
    ($($pointer:ident: $size:path),*) => {$(
        impl<T: Weigh + ?Sized> Weigh for $pointer<T> {
            fn heap_size(&self) -> usize {
                (**self).heap_size().saturating_add($size(&**self))
            }
        }
    )*};
}

pointers!(Box: size_of_val, Rc: shared, Arc: shared);

/// Returns the size of a shared value, which the strong and the weak count precede.
fn shared<T: ?Sized>(value: &T) -> usize {
    let align = align_of_val(value).max(align_of::<usize>());
    let start = (2 * size_of::<usize>()).next_multiple_of(align);
    (start + size_of_val(value)).next_multiple_of(align)
}

/// Implements `Weigh` for collections: the bytes allocated for the elements, and those that the elements own.
macro_rules! collections {
    ($([$($parameters:tt)*] $type:ty, $this:ident => $allocated:expr, [$($element:ident),*] $elements:expr;)*) => {$(
        impl<$($parameters)*> Weigh for $type
        where
            $($element: Weigh),*
        {
            fn heap_size(&self) -> usize {
                let $this = self;
                let elements: usize = $elements;
                elements.saturating_add($allocated)
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

/// Returns the bytes that a hash table allocates for `capacity` entries: an eighth of its slots stays free, each slot
/// has one byte of metadata, and a group of 16 such bytes ends the table.
fn hash_table<T>(capacity: usize) -> usize {
    if capacity == 0 {
        return 0;
    }
    let slots = (capacity.saturating_mul(8) / 7).next_power_of_two();
    slots.saturating_mul(size_of::<T>() + 1).saturating_add(16)
}

/// Returns the bytes that a B-tree allocates for `len` entries. A node has room for 11 entries, a pointer and two
/// lengths, and one above others for 12 pointers to them. Insertion in order leaves 6 entries in each.
fn tree<T>(len: usize) -> usize {
    let node = 11 * size_of::<T>() + 2 * size_of::<usize>();
    if len <= 11 {
        return if len == 0 { 0 } else { node };
    }
    let leaves = len.div_ceil(6);
    let above = leaves.div_ceil(6).saturating_mul(node + 12 * size_of::<usize>());
    leaves.saturating_mul(node).saturating_add(above)
}

collections! {
    [T] Vec<T>, this => this.capacity() * size_of::<T>(), [T] sum(this);
    [T] VecDeque<T>, this => this.capacity() * size_of::<T>(), [T] sum(this);
    [T] BinaryHeap<T>, this => this.capacity() * size_of::<T>(), [T] sum(this);
    [T] LinkedList<T>, this => this.len() * (size_of::<T>() + 2 * size_of::<usize>()), [T] sum(this);
    [T] BTreeSet<T>, this => tree::<T>(this.len()), [T] sum(this);
    [K, V] BTreeMap<K, V>, this => tree::<(K, V)>(this.len()), [K, V] sum_pairs(this);
    [T, S] HashSet<T, S>, this => hash_table::<T>(this.capacity()), [T] sum(this);
    [K, V, S] HashMap<K, V, S>, this => hash_table::<(K, V)>(this.capacity()), [K, V] sum_pairs(this);
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

impl<B: ToOwned<Owned: Weigh> + ?Sized> Weigh for Cow<'_, B> {
    fn heap_size(&self) -> usize {
        match self {
            Cow::Borrowed(_) => 0,
            Cow::Owned(owned) => owned.heap_size(),
        }
    }
}

/// Implements `Weigh` for types that hold values in place: the sum over the values that a pattern names.
macro_rules! in_place {
    ($([$($parameter:ident),*] $type:ty { $($pattern:pat => [$($held:expr),*]),+ $(,)? })*) => {$(
        impl<$($parameter: Weigh),*> Weigh for $type {
            fn heap_size(&self) -> usize {
                match self {
                    $($pattern => [$($held.heap_size()),*].into_iter().fold(0, usize::saturating_add)),+
                }
            }
        }
    )*};
}

in_place! {
    [T] Option<T> { Some(value) => [value], None => [] }
    [T, E] Result<T, E> { Ok(value) => [value], Err(error) => [error] }
    [B, C] ControlFlow<B, C> { Self::Break(value) => [value], Self::Continue(value) => [value] }
    [T] Bound<T> { Self::Included(end) => [end], Self::Excluded(end) => [end], Self::Unbounded => [] }
    [T] Range<T> { Self { start, end } => [start, end] }
    [T] RangeFrom<T> { Self { start } => [start] }
    [T] RangeTo<T> { Self { end } => [end] }
    [T] RangeToInclusive<T> { Self { end } => [end] }
    [T] RangeInclusive<T> { range => [range.start(), range.end()] }
    [T] Reverse<T> { Self(value) => [value] }
    [T] Wrapping<T> { Self(value) => [value] }
    [T] Saturating<T> { Self(value) => [value] }
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
        assert_eq!(Arc::<str>::from("four").heap_size(), 24);
        assert_eq!(Arc::new(Box::new(1_u64)).heap_size(), 16 + 8 + 8);
        assert_eq!((text, 7_u8, vec![1_u8]).heap_size(), 101);
        assert_eq!(
            Cow::Borrowed("ab").heap_size() + Cow::<str>::Owned("ab".to_owned()).heap_size(),
            2
        );
        assert_eq!(Err::<u8, _>(vec![0_u8; 3]).heap_size(), 3);
        assert_eq!((Bound::Included("ab".to_owned()), Reverse("c".to_owned())).heap_size(), 3);
        assert_eq!(("a".to_owned()..="bc".to_owned()).heap_size(), 3);
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
}

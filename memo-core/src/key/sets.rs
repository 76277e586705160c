//! Recognition of containers without order, by the name of the type that passes itself to `collect_seq`.
//!
//! Rust does not guarantee these names. A test for each container (tests/it/sets.rs) detects a change. A container that
//! serializes without `collect_seq` (DashSet) counts as a sequence.

/// The start of the paths of the unordered types: sets, heaps and the iterators over them.
const UNORDERED: &[&str] = &[
    "std::collections::hash::set::",
    "alloc::collections::btree::set::",
    "alloc::collections::binary_heap::",
    "hashbrown::set::",
    "hashbrown::table::",
    "indexmap::set::",
];

/// The exception: a slice of an `IndexSet` is ordered, both by its `Eq` and in serde.
const ORDERED: &str = "indexmap::set::slice::";

/// Reports whether the type with this name is a set, a heap, or an iterator over one.
///
/// `name` is a constant at each use, so the compiler folds the result into a constant too.
#[inline]
pub(super) fn is_unordered(name: &str) -> bool {
    let name = name.strip_prefix('&').unwrap_or(name);
    UNORDERED.iter().any(|path| name.starts_with(path)) && !name.starts_with(ORDERED)
}

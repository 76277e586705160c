//! Which containers have no order, told by the name of the type that hands itself to `collect_seq`.
//!
//! Rust does not promise these names; a test per container (tests/it/sets.rs) notices a change. A container that
//! serializes without `collect_seq` (DashSet) is taken for a sequence.

/// Paths of the types, up to their generic parameters: the sets themselves and the iterators over them.
const UNORDERED: &[&str] = &[
    "std::collections::hash::set::",
    "alloc::collections::btree::set::",
    "alloc::collections::binary_heap::",
    "hashbrown::set::",
    "hashbrown::table::",
    "indexmap::set::",
];

/// A slice of an `IndexSet` is ordered, to itself and to serde.
const ORDERED: &str = "indexmap::set::slice::";

/// Is the type of this name a set, a heap, or an iterator over one?
///
/// `name` is a constant at each use, and so is the answer once the compiler has folded it.
#[inline]
pub(super) fn is_unordered(name: &str) -> bool {
    let name = name.strip_prefix('&').unwrap_or(name);
    UNORDERED.iter().any(|path| name.starts_with(path)) && !name.starts_with(ORDERED)
}

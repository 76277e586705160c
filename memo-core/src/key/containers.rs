//! Recognition of containers whose order has no meaning, by the name of their type.
//!
//! Rust does not guarantee these names. A test for each container (tests/it/containers.rs) detects a change. The order
//! of a container that is not known here counts: the same content in another order is a miss, never a wrong value. (One
//! thing has no order though its type is unknown: a map that announces no length, such as a struct with a flattened
//! field.)

/// The name under which `memokit::unordered` passes a container to the encoder.
pub(super) const UNORDERED: &str = "memokit::unordered";

/// Finds the first of some prefixes in a name. It names each prefix in a condition of its own, and not in a loop, so
/// that the compiler folds the search in a constant name.
macro_rules! prefix {
    ($name:expr, $($prefix:literal,)*) => {
        $(if let Some(rest) = $name.strip_prefix($prefix) { Some(rest) } else)* { None }
    };
}

/// Reports whether the order of the type with this name has no meaning.
///
/// `name` is a constant at each use, so the compiler folds the result into a constant too.
#[inline(always)]
pub(super) fn is_unordered(name: &'static str) -> bool {
    is_known(without_adapter(without_wrapper(without_wrapper(name))))
}

/// Reports whether this is the start of the path of a type without order: a hash map, a hash set, a heap, or an
/// iterator over one. The ordered maps of the standard library are not here, because equal ones iterate alike.
#[inline(always)]
fn is_known(name: &str) -> bool {
    let rest: Option<&str> = prefix!(
        name,
        "std::collections::hash::",
        "alloc::collections::binary_heap::",
        "hashbrown::map::",
        "hashbrown::set::",
        "hashbrown::table::",
        "bimap::hash::",
        "dashmap::",
        "heapless::binary_heap::",
        "im::hash::",
        "im_rc::hash::",
        "imbl::hash::",
        "papaya::",
        "rpds::map::hash_trie_map::",
        "rpds::set::hash_trie_set::",
        "scc::hash_",
        "memo_core::key::encoder::Unordered",
    );
    rest.is_some()
}

/// Removes a type that serializes as what it contains.
#[inline(always)]
fn without_wrapper(name: &str) -> &str {
    prefix!(name, "&", "alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<",).unwrap_or(name)
}

/// Removes an adapter that changes the items of an iterator and not their order. The type that it adapts comes first in
/// its name.
#[inline(always)]
fn without_adapter(name: &str) -> &str {
    prefix!(
        name,
        "core::iter::adapters::map::Map<",
        "core::iter::adapters::cloned::Cloned<",
        "core::iter::adapters::copied::Copied<",
        "core::iter::adapters::filter::Filter<",
    )
    .unwrap_or(name)
}

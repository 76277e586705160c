//! The caches that one site has found for the instances of a generic function, or that one object has for its methods.
//! They form a tree by the bits of their ids. Nothing is removed from it, so a lookup takes no lock and writes nothing.

use std::any::TypeId;
use std::hash::{Hash, Hasher};

use once_cell::race::OnceBox;

use crate::platform::erased::Labelled;
use crate::platform::id_hasher::IdHasher;

/// A tree, or an empty place for one.
pub(crate) struct Instances<E>(OnceBox<Node<E>>);

struct Node<E> {
    cache: E,
    next: [Instances<E>; 4],
}

impl<E: Labelled> Instances<E> {
    pub(crate) const fn new() -> Self {
        Self(OnceBox::new())
    }

    /// Returns the cache with this id.
    #[inline]
    pub(crate) fn get(&self, id: TypeId) -> Option<&E> {
        let mut node = self.0.get()?;
        let mut bits = bits(id);
        while node.cache.id() != id {
            node = node.next[(bits & 3) as usize].0.get()?;
            bits >>= 2;
        }
        Some(&node.cache)
    }

    /// Adds the cache of an instance, unless the tree has one with the same id.
    pub(crate) fn add(&self, cache: E) {
        let id = cache.id();
        let mut place = self;
        let mut bits = bits(id);
        let mut new = Box::new(Node { cache, next: [const { Self::new() }; 4] });
        loop {
            match place.0.set(new) {
                Ok(()) => return,
                Err(returned) => new = returned,
            }
            let node = place.0.get().expect("a place that refuses a node has one");
            if node.cache.id() == id {
                return;
            }
            place = &node.next[(bits & 3) as usize];
            bits >>= 2;
        }
    }
}

/// Returns 64 bits of a type's id, which is a hash. Each level of the tree uses two of them. Deeper levels find only
/// zeros, so there all ids take the same branch.
#[inline]
fn bits(id: TypeId) -> u64 {
    let mut hasher = IdHasher::default();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::erased::{Erased, Label};

    static ANY: u8 = 0;

    fn add<T: 'static>(instances: &Instances<Erased>, to: &'static u8) {
        instances.add(Erased::new(Label::of::<T>(), to));
    }

    fn get<T: 'static>(instances: &Instances<Erased>) -> Option<&'static u8> {
        let label = Label::of::<T>();
        instances.get(label.id())?.get(label)
    }

    #[test]
    fn finds_what_was_added() {
        static OTHER: u8 = 1;
        let instances = Instances::new();
        assert!(get::<u8>(&instances).is_none());
        add::<u8>(&instances, &OTHER);
        add::<u8>(&instances, &ANY);
        assert_eq!(get::<u8>(&instances), Some(&1), "the first stays");
        add::<u16>(&instances, &ANY);
        add::<u32>(&instances, &ANY);
        add::<u64>(&instances, &ANY);
        add::<i8>(&instances, &ANY);
        add::<(u8, u8)>(&instances, &ANY);
        add::<String>(&instances, &ANY);
        for found in [get::<u16>, get::<u32>, get::<u64>, get::<i8>, get::<(u8, u8)>, get::<String>]
        {
            assert_eq!(found(&instances), Some(&0));
        }
        assert!(get::<i16>(&instances).is_none());
    }
}

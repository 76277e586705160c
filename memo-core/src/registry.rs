//! All caches of the process.

use std::any::TypeId;
use std::sync::{Arc, LazyLock};

use dashmap::DashMap;
use once_cell::sync::OnceCell;

use crate::core::Core;
use crate::erased::Erased;
use crate::error::Error;
use crate::exit::at_exit;
use crate::keep::Keep;
use crate::report::Report;
use crate::site::{Instance, Origin};
use crate::stats::Stats;

/// What can be asked of any cache, whatever it holds.
pub(crate) trait Listed: Send + Sync {
    fn stats(&self) -> Stats;
    fn flush(&self) -> Result<(), Error>;
    fn flush_if_open(&self);
}

impl<K: Keep> Listed for Core<K> {
    fn stats(&self) -> Stats {
        self.stats()
    }

    fn flush(&self) -> Result<(), Error> {
        if self.is_persistent() { self.flush() } else { Ok(()) }
    }

    fn flush_if_open(&self) {
        self.flush_if_open();
    }
}

/// A cache as itself, for who knows its type, and as what all have in common.
#[derive(Clone, Copy)]
struct Registered {
    typed: Erased,
    listed: &'static dyn Listed,
}

/// An instance of a function; its cell lets one caller make the cache while no guard of the map is held.
struct Member {
    /// None until the function itself came by.
    id: Option<TypeId>,
    this: Option<TypeId>,
    around: &'static str,
    cache: Arc<OnceCell<Registered>>,
}

static CACHES: LazyLock<DashMap<Origin, Vec<Member>>> = LazyLock::new(DashMap::new);

/// The cache of an instance, made by `make` if there is none. Caches live as long as the process.
pub(crate) fn find_or_make<K: Keep>(
    origin: &Origin,
    instance: Instance,
    make: impl FnOnce() -> Arc<Core<K>>,
) -> Erased {
    let cell = cell(&mut CACHES.entry(*origin).or_default(), instance);
    let registered = cell.get_or_init(|| {
        let core: &'static Arc<Core<K>> = Box::leak(Box::new(make()));
        if core.is_persistent() {
            at_exit(|| all().into_iter().for_each(Listed::flush_if_open));
        }
        Registered { typed: Erased::new(&**core), listed: &**core }
    });
    registered.typed
}

/// The cell of `instance`. A function is told by its type's id. A companion that knows no id is told by name, and may
/// come first: the function then takes over what the companion made.
///
/// # Panics
/// When a companion cannot tell which of two instances of one name is meant.
fn cell(members: &mut Vec<Member>, instance: Instance) -> Arc<OnceCell<Registered>> {
    let Instance { id, this, .. } = instance;
    let around = instance.around();
    let known = members.iter_mut().find(|member| id.is_some() && member.id == id);
    if let Some(member) = known {
        return Arc::clone(&member.cache);
    }
    let mut named = members.iter_mut().filter(|m| m.around == around && m.this == this);
    let unclaimed =
        if id.is_some() { named.find(|member| member.id.is_none()) } else { named.next() };
    if let Some(member) = unclaimed {
        member.id = id.or(member.id);
        let cache = Arc::clone(&member.cache);
        assert!(
            id.is_some() || named.next().is_none(),
            "two instances are called {around}: let the function mention `Self`, or give their types other names",
        );
        return cache;
    }
    let cache = Arc::default();
    members.push(Member { id, this, around, cache: Arc::clone(&cache) });
    cache
}

fn all() -> Vec<&'static dyn Listed> {
    let listed = |member: &Member| Some(member.cache.get()?.listed);
    CACHES
        .iter()
        .flat_map(|function| function.value().iter().filter_map(listed).collect::<Vec<_>>())
        .collect()
}

/// The statistics of every memoized function that was called or asked for its cache.
#[must_use]
pub fn report() -> Report {
    Report::of(all().into_iter().map(Listed::stats).collect())
}

/// Makes the results of every function with `persist` durable.
///
/// # Errors
/// The first failure; all are tried.
pub fn flush_all() -> Result<(), Error> {
    all().into_iter().map(Listed::flush).fold(Ok(()), Result::and)
}

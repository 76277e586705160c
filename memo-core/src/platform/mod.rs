//! What the operating system and the standard library offer, and small tools that know nothing of caches.

pub(crate) mod clock;
#[cfg(feature = "persist")]
pub(crate) mod crc32c;
pub(crate) mod erased;
pub(crate) mod exit;
pub(crate) mod fnv;
pub(crate) mod maintenance;
pub(crate) mod os;
pub(crate) mod sync;
#[cfg(all(test, feature = "persist"))]
pub(crate) mod test_folder;

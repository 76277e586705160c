//! Access to the operating system and the standard library, and small tools that do not depend on caches.

#[cfg(feature = "opfs")]
#[cfg_attr(not(all(target_family = "wasm", target_os = "unknown")), allow(dead_code))]
pub(crate) mod access_handle;
#[cfg(feature = "persist")]
pub(crate) mod byte_locks;
pub(crate) mod clock;
#[cfg(feature = "persist")]
pub(crate) mod crc32c;
pub(crate) mod erased;
pub(crate) mod exit;
pub(crate) mod fnv;
// Only a directory has files that a child must not inherit.
#[cfg_attr(not(feature = "persist"), allow(dead_code))]
pub(crate) mod fork;
#[cfg(feature = "persist")]
pub(crate) mod host;
pub(crate) mod id_hasher;
// Only a fork holds the threads.
#[cfg(feature = "web")]
#[cfg_attr(not(all(target_family = "wasm", target_os = "unknown")), allow(dead_code))]
pub(crate) mod items;
#[cfg(all(feature = "web", target_family = "wasm", target_os = "unknown"))]
pub(crate) mod local_storage;
#[cfg(feature = "web")]
#[cfg_attr(not(all(target_family = "wasm", target_os = "unknown")), allow(dead_code))]
pub(crate) mod lock_request;
#[cfg_attr(not(unix), allow(dead_code))]
pub(crate) mod maintenance;
#[cfg(feature = "test-util")]
pub(crate) mod moved_clock;
#[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
pub(crate) mod origin_files;
pub(crate) mod os;
pub(crate) mod process;
#[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
pub(crate) mod promise;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) mod script;
#[cfg(feature = "persist")]
pub(crate) mod shared_page;
pub(crate) mod sort;
pub(crate) mod special;
pub(crate) mod sync;
#[cfg(all(test, feature = "persist"))]
pub(crate) mod test_directory;
pub(crate) mod timeout;
pub(crate) mod unpark;
#[cfg(all(feature = "web", target_family = "wasm", target_os = "unknown"))]
pub(crate) mod web_locks;

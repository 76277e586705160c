//! A directory of one function's results: a write-ahead log, snapshots, recovery.
//!
//! The bytes are specified in `docs/format.md`. Imports go in one direction: the tasks of a store (lookup, following,
//! commit, removals, renewal, upkeep), other_versions → [`Store`], versions → shared → writer, merge, tail → recovery, footprint → view
//! → index, wal, snapshot, listing → queue, scan → frame, header, file_name → record, cost, [`Fs`].

mod backoff;
mod buffer;
mod census;
mod clearance;
mod commit;
mod contents;
mod cost;
mod deferred;
mod disk_limit;
mod durability;
mod entry_sort;
mod file_name;
mod following;
mod footprint;
mod frame;
mod fs;
#[cfg(any(test, fuzzing))]
mod fs_mem;
#[cfg(any(test, fuzzing))]
#[cfg_attr(not(test), allow(dead_code, reason = "only tests simulate crashes"))]
mod fs_mem_unsynced;
#[cfg(feature = "opfs")]
#[cfg_attr(not(all(target_family = "wasm", target_os = "unknown")), allow(dead_code))]
mod fs_pool;
mod fs_real;
#[cfg(fuzzing)]
pub mod fuzzing;
mod header;
mod identity;
mod index;
mod key_hash;
mod key_locks;
#[cfg(feature = "opfs")]
#[cfg_attr(not(all(target_family = "wasm", target_os = "unknown")), allow(dead_code))]
mod labelled;
mod leftovers;
mod listing;
mod locks;
mod log_file;
mod log_reader;
mod lookup;
mod loss;
mod merge;
#[cfg(any(feature = "inspect", test))]
mod moment;
mod new_value;
mod other_versions;
mod pending_removals;
mod place;
mod position_set;
mod quarantine;
mod queue;
mod record;
mod recovery;
mod reference;
mod removals;
mod renewal;
mod retired;
mod scan;
mod share;
mod shared;
mod snapshot;
mod snapshot_filter;
mod snapshot_index;
mod state;
mod store;
mod stored;
mod tag_key;
mod tail;
#[cfg(test)]
mod tests;
mod touched;
mod type_file;
mod unlogged;
mod upkeep;
mod value_file;
#[cfg(any(feature = "inspect", test))]
mod verification;
mod versions;
mod view;
mod wal;
mod whole_file;
mod writer;

pub(crate) use backoff::Backoff;
#[cfg(feature = "inspect")]
pub(crate) use contents::Put;
pub use cost::Cost;
pub use durability::Durability;
#[cfg(feature = "inspect")]
pub(crate) use file_name::{Name, QUARANTINE};
pub use frame::{MAX_KEY, MAX_TAGS, MAX_VALUE, TAG};
#[cfg(feature = "remote")]
pub(crate) use frame::{u32_at, u64_at, u128_at};
pub use fs::{ByteLocks, File, Fs, Page};
#[cfg(test)]
pub(crate) use fs_mem::{Crash, ENOSPC, Failure, MemFs, SHORT};
#[cfg(all(feature = "opfs", target_family = "wasm", target_os = "unknown"))]
pub(crate) use fs_pool::PoolFs;
pub use fs_real::RealFs;
pub use identity::Identity;
pub use key_locks::{KeyClaim, KeyLock};
#[cfg(feature = "inspect")]
pub(crate) use listing::identity_of;
#[cfg(feature = "inspect")]
pub(crate) use locks::Locks;
pub use loss::{Loss, Recovery};
pub use merge::Keep;
#[cfg(feature = "inspect")]
pub(crate) use moment::{Moment, observe};
pub use new_value::NewValue;
pub use other_versions::clear_versions;
#[cfg(feature = "inspect")]
pub(crate) use place::is_version_name;
#[cfg(feature = "remote")]
pub(crate) use place::label;
pub use place::{Place, function_folder};
pub use queue::Ticket;
pub use record::{Record, WallMillis};
pub use reference::MAX_APART;
#[cfg(feature = "inspect")]
pub(crate) use reference::Reference;
#[cfg(feature = "inspect")]
pub(crate) use share::Share;
pub(crate) use shared::MAX_ATTEMPTS;
pub use store::{Status, Store};
pub(crate) use tag_key::{tag_bytes, tag_key, tags};
pub use type_file::TypeFile;
#[cfg(feature = "inspect")]
pub(crate) use value_file::Apart;
#[cfg(any(feature = "inspect", test))]
pub use verification::verify;
pub use versions::{last_use, mark_used, remove_old, remove_unused};
pub use view::Removal;

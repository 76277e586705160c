//! Tests of memokit's public behaviour. Each module holds one subject.
#![allow(clippy::incompatible_msrv, reason = "tests may need a newer Rust than the library does")]

mod advice;
mod arguments;
mod arrays;
mod attributes;
mod bodies;
mod borrowing_types;
mod bounds;
mod bypass;
mod closures;
mod coherence;
mod companions;
mod containers;
mod counted;
mod counting;
mod entry;
mod expiry;
mod explain;
mod functions;
mod generic;
mod guide;
mod handles;
pub mod hygiene;
mod identity;
mod idle;
mod invalidate_where;
mod isolation;
mod key_arguments;
mod keys;
mod large;
mod lints;
mod listener;
mod long_keys;
#[cfg(unix)]
mod max_disk;
mod mutable_parameters;
mod objects;
mod one_computation;
mod other_attributes;
mod outcomes;
mod page;
mod persistence;
#[cfg(unix)]
mod persistence_cleared;
mod persistence_codec;
#[cfg(unix)]
mod persistence_crowd;
#[cfg(unix)]
mod persistence_faults;
#[cfg(unix)]
mod persistence_folder;
mod persistence_instances;
#[cfg(unix)]
mod persistence_kill;
#[cfg(unix)]
mod persistence_large;
mod persistence_late;
#[cfg(unix)]
mod persistence_processes;
mod persistence_replaced;
#[cfg(unix)]
mod persistence_shared;
#[cfg(target_os = "linux")]
mod persistence_stopped;
#[cfg(target_os = "linux")]
mod persistence_tool;
mod persistence_untraced;
#[cfg(unix)]
mod persistence_values;
#[cfg(unix)]
mod persistence_weights;
#[cfg(target_os = "linux")]
mod policy;
mod power_loss;
mod quickstart;
mod recursion;
mod refresh;
mod renewal;
mod results;
mod scope;
mod self_types;
mod serialize;
mod shards;
mod shared_instances;
mod shared_results;
mod signatures;
mod spawned;
mod stale;
mod statistics;
mod support;
mod tags;
#[cfg(unix)]
mod tags_stored;
mod task_flights;
mod tasks;
mod trait_impls;
mod ttl;
mod ui;
mod user_code;
mod verify;
mod warming;
mod weights;

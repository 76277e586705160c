//! The attribute macro of memokit; use it through the `memokit` crate.
#![forbid(unsafe_code)]

mod args;
mod attributes;
mod check;
mod companions;
mod duration;
mod emit;
mod errors;
mod expand;
mod fingerprint;
mod function;
mod raw;
mod refuse;
#[cfg(test)]
mod snapshots;
mod suggest;
mod types;
mod value;

use std::sync::atomic::{AtomicU64, Ordering};

/// Expansions so far in this compilation, since one `macro_rules!` may hold one function for many
/// places that have the same tokens, file, line and column.
static EXPANSIONS: AtomicU64 = AtomicU64::new(0);

/// Remembers what a function returned.
#[proc_macro_attribute]
pub fn memoize(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let count = EXPANSIONS.fetch_add(1, Ordering::Relaxed).to_string();
    let package = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME"]
        .map(|variable| std::env::var(variable).unwrap_or_default());
    let seed = [&*count, &*package[0], &*package[1], &*package[2]];
    expand::expand(arguments.into(), &item.into(), &seed).into()
}

//! The attribute macro of memokit; use it through the `memokit` crate.
#![forbid(unsafe_code)]

mod args;
mod attributes;
mod bounds;
mod check;
mod companions;
mod duration;
mod emit;
mod errors;
mod expand;
mod fingerprint;
mod format;
mod function;
mod generics;
mod raw;
mod refuse;
mod settings;
mod size;
#[cfg(test)]
mod snapshots;
mod suggest;
mod surroundings;
mod task;
mod types;
mod unit;
mod value;

use std::sync::atomic::{AtomicU64, Ordering};

use proc_macro::{Ident, TokenStream, TokenTree};

/// Expansions so far in this compilation, since one `macro_rules!` may hold one function for many
/// places that have the same tokens, file, line and column.
static EXPANSIONS: AtomicU64 = AtomicU64::new(0);

#[doc = include_str!("memoize.md")]
#[proc_macro_attribute]
pub fn memoize(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let count = EXPANSIONS.fetch_add(1, Ordering::Relaxed).to_string();
    let package = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"]
        .map(|variable| std::env::var(variable).unwrap_or_default());
    let seed = [&*count, &*package[0], &*package[1], &*package[2], &*package[3]];
    let in_impl_of_a_trait = || name(&item).is_some_and(|name| is_in_impl_of_a_trait(&name));
    expand::expand(arguments.into(), &item.clone().into(), &seed, in_impl_of_a_trait).into()
}

/// The name of a function.
fn name(item: &TokenStream) -> Option<Ident> {
    let mut tokens = item.clone().into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn"))?;
    match tokens.next() {
        Some(TokenTree::Ident(name)) => Some(name),
        _ => None,
    }
}

/// As far as the file shows it.
fn is_in_impl_of_a_trait(name: &Ident) -> bool {
    // By way of `proc_macro2`: rustc itself tells it since 1.88, and before that nothing is known.
    let span = proc_macro2::Span::from(name.span());
    let start = span.start();
    let place = surroundings::Place { line: start.line, column: start.column + 1 };
    let path = span.local_file();
    path.is_some_and(|path| surroundings::in_impl_of_a_trait(&path, place, &name.to_string()))
}

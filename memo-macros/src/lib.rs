//! The macros of memokit; use them through the `memokit` crate.
//!
//! An expansion of `#[memoize]` parses the arguments and the function, checks them, and emits the memoized function.
#![forbid(unsafe_code)]

mod check;
mod derive;
mod emit;
mod errors;
mod parse;
#[cfg(test)]
mod snapshots;
mod syntax;

use std::sync::atomic::{AtomicU64, Ordering};

use proc_macro2::TokenStream;
use quote::quote;

use crate::check::enclosing_item::Enclosing;
use crate::emit::expansion::Expansion;
use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;

/// The number of expansions so far in this compilation. A `macro_rules!` may emit one function in many places that
/// have the same tokens, file, line and column.
static EXPANSIONS: AtomicU64 = AtomicU64::new(0);

#[doc = include_str!("memoize.md")]
#[proc_macro_attribute]
pub fn memoize(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let count = EXPANSIONS.fetch_add(1, Ordering::Relaxed).to_string();
    let package = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"]
        .map(|variable| std::env::var(variable).unwrap_or_default());
    let seed = [&*count, &*package[0], &*package[1], &*package[2], &*package[3]];
    let enclosing = || check::enclosing_item::of(&item);
    expand(arguments.into(), &item.clone().into(), &seed, enclosing).into()
}

/// Implements the trait `Weigh` for a struct or an enum: a value owns what its fields own.
///
/// Every field must be `Weigh`. What a field under `#[weigh(shallow)]` owns is not counted; its type may be any. Type
/// parameters that occur in the other fields get the bound `Weigh`. `#[weigh(crate = path)]` on the type gives the path
/// of memokit if it is not `::memokit`.
///
/// ```
/// use memokit::{Weigh, memoize};
///
/// #[derive(Clone, Weigh)]
/// struct Build {
///     target: String,
///     warnings: Vec<Warning>,
///     #[weigh(shallow)] // another crate's type, and small
///     exit: std::process::ExitStatus,
/// }
///
/// #[derive(Clone, Weigh)]
/// enum Warning {
///     Unused(String),
///     Deprecated { name: String, line: u32 },
/// }
///
/// #[memoize(max_bytes = "64MiB")]
/// fn build(target: &str) -> Build {
///     let warnings = vec![Warning::Deprecated { name: "x".repeat(1000), line: 3 }];
///     Build { target: target.to_owned(), warnings, exit: Default::default() }
/// }
///
/// build("all");
/// assert!(build_memo().stats().bytes > 1000);
/// ```
#[proc_macro_derive(Weigh, attributes(weigh))]
pub fn weigh(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive::implementation::derive(item.into()).into()
}

/// Expands `#[memoize(arguments)] item`.
///
/// `seed` tells apart expansions of the same tokens. `enclosing` is called only if an error depends on it, since it
/// reads the source file.
fn expand(
    arguments: TokenStream,
    item: &TokenStream,
    seed: &[&str],
    enclosing: impl FnOnce() -> Option<Enclosing>,
) -> TokenStream {
    let mut errors = Errors::default();
    let number = emit::fingerprint::of_expansion(&arguments, item, seed);
    let args = Args::parse(arguments, &mut errors);
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(check::item::not_a_function(item).unwrap_or(error));
            let errors = errors.into_tokens();
            return quote!(#item #errors);
        }
    };
    check::rules::check(&args, &function, &mut errors);
    let misplaced = check::companions::refuse_misplaced(&args, &function, enclosing, &mut errors);
    let expansion = Expansion { function: &function, args: &args, number };
    if errors.is_empty() {
        let function = emit::function::function(&expansion);
        let companions = emit::companions::companions(&expansion);
        return quote!(#function #companions);
    }
    let has_place = check::attributes::further_memoize(&function).next().is_none() && !misplaced;
    let stand_ins = has_place.then(|| emit::companions::stand_ins(&expansion));
    let errors = errors.into_tokens();
    quote!(#item #stand_ins #errors)
}

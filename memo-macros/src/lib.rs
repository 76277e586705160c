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
use crate::parse::trait_impl::{Home, Member, TraitImpl};

/// The number of expansions so far in this compilation. A `macro_rules!` may emit one function in many places that
/// have the same tokens, file, line and column.
static EXPANSIONS: AtomicU64 = AtomicU64::new(0);

#[doc = include_str!("memoize.md")]
#[proc_macro_attribute]
pub fn memoize(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let enclosing = || check::enclosing_item::of(&item);
    let seed = seed();
    expand(arguments.into(), &item.clone().into(), &strs(&seed), enclosing).into()
}

#[doc = include_str!("companions.md")]
#[proc_macro_attribute]
pub fn companions(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let seed = seed();
    expand_impl(arguments.into(), &item.into(), &strs(&seed)).into()
}

/// What tells apart expansions of the same tokens.
fn seed() -> Vec<String> {
    let count = EXPANSIONS.fetch_add(1, Ordering::Relaxed).to_string();
    let package = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME", "CARGO_BIN_NAME"];
    let package = package.map(|variable| std::env::var(variable).unwrap_or_default());
    std::iter::once(count).chain(package).collect()
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
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

/// Expands `#[companions(arguments)] item`.
fn expand_impl(arguments: TokenStream, item: &TokenStream, seed: &[&str]) -> TokenStream {
    let mut errors = Errors::default();
    // A wrong argument is reported alone: what follows does not depend on it.
    let home = errors.take(syn::parse2::<Home>(arguments)).unwrap_or_default();
    let Some(of) = errors.take(TraitImpl::parse(item.clone())) else {
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    };
    let path = emit::trait_impl::path_to_companions(&of, &home);
    let (mut items, mut companions) = (TokenStream::new(), TokenStream::new());
    for member in &of.members {
        match member {
            Member::Other(item) => items.extend(item.clone()),
            Member::Memoized(arguments, function) => {
                let (function, apart) = expand_member(arguments, function, &home, &path, seed);
                items.extend(function);
                companions.extend(apart);
            }
        }
    }
    let filled = emit::trait_impl::filled(&of, &items);
    let home = emit::trait_impl::home_of(&of, &home, companions);
    let use_of_memoize = emit::trait_impl::use_of_memoize(&of);
    let errors = errors.into_tokens();
    quote!(#filled #home #use_of_memoize #errors)
}

/// Expands a memoized function in the impl of a trait. Returns the function, and its companions.
fn expand_member(
    arguments: &TokenStream,
    item: &TokenStream,
    home: &Home,
    path: &TokenStream,
    seed: &[&str],
) -> (TokenStream, TokenStream) {
    let mut errors = Errors::default();
    let number = emit::fingerprint::of_expansion(arguments, item, seed);
    let mut args = Args::parse(arguments.clone(), &mut errors);
    let mut function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return (quote!(#item #error), TokenStream::new());
        }
    };
    args.set_companions_apart(&function, path);
    check::rules::check(&args, &function, &mut errors);
    check::companions::companions_apart_have_nameable_types(&args, &function, &mut errors);
    let memoized = errors
        .is_empty()
        .then(|| emit::function::function(&Expansion { function: &function, args: &args, number }));
    if home.name.is_none() {
        function.visibility = home.visibility.clone();
    }
    let expansion = Expansion { function: &function, args: &args, number };
    match memoized {
        Some(memoized) => (memoized, emit::companions::handle_and_key(&expansion)),
        None => {
            let errors = errors.into_tokens();
            (quote!(#item #errors), emit::companions::stand_ins_apart(&expansion))
        }
    }
}

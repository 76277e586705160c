//! The stages of an expansion: read, judge, emit.

use proc_macro2::TokenStream;
use quote::quote;

use crate::check::bounds;
use crate::check::function as refuse;
use crate::check::rules as check;
use crate::emit::body::Plan;
use crate::emit::fingerprint::Fingerprint;
use crate::errors::Errors;
use crate::parse::arguments::Args;
use crate::parse::function::Function;

/// Expands `#[memoize(arguments)] item`. `seed` sets apart two expansions of the same tokens. What surrounds the
/// function counts for errors alone, and is asked for where an error may come of it.
pub(crate) fn expand(
    arguments: TokenStream,
    item: &TokenStream,
    seed: &[&str],
    in_impl_of_a_trait: impl FnOnce() -> bool,
) -> TokenStream {
    let mut errors = Errors::default();
    let number = number(&arguments, item, seed);
    let args = Args::parse(arguments, &mut errors);
    let function = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(refuse::not_a_function(item).unwrap_or(error));
            let errors = errors.into_tokens();
            return quote!(#item #errors);
        }
    };
    refuse::refuse(&function, &mut errors);
    check::check(&args, &function, &mut errors);
    bounds::check(&args, &function, &mut errors);
    let misplaced = check::brings_private_companions(&args, &function) && in_impl_of_a_trait();
    if misplaced {
        check::impl_of_a_trait_has_no_companions(&function, &mut errors);
    }
    let plan = Plan { function: &function, args: &args, number };
    if errors.is_empty() {
        let (function, companions) = (plan.function(), plan.companions());
        return quote!(#function #companions);
    }
    let companions = check::again(&function).next().is_none() && !misplaced;
    let stand_ins = companions.then(|| plan.stand_ins());
    let errors = errors.into_tokens();
    quote!(#item #stand_ins #errors)
}

fn number(arguments: &TokenStream, item: &TokenStream, seed: &[&str]) -> u64 {
    let mut hash = Fingerprint::new();
    for text in seed {
        hash.text(text);
    }
    hash.code(arguments.clone());
    hash.code(item.clone());
    hash.fold()
}

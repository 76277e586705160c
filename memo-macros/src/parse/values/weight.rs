//! What an entry weighs: a function, or the word `shallow`.

use proc_macro2::Ident;
use syn::Expr;

use crate::parse::raw_argument::Form;
use crate::parse::values::expression::{callable, identifier};

/// What an entry weighs.
pub(crate) enum Weight {
    /// Its key and its value, without what the value owns elsewhere.
    Shallow,
    /// What this function returns.
    Function(Expr),
}

/// `weigh`: a function, a closure, or `shallow`.
pub(crate) fn weight(name: &Ident, form: Form) -> syn::Result<Weight> {
    let value = callable(name, form)?;
    match identifier(&value) {
        Some(word) if word == "shallow" => Ok(Weight::Shallow),
        _ => Ok(Weight::Function(value)),
    }
}

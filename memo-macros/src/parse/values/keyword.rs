//! Values that are one of a few words, in quotes.

use proc_macro2::{Ident, Span};

use crate::parse::raw_argument::Form;
use crate::parse::suggestion;
use crate::parse::values::expression::{error, expression, identifier, must_be_text, string};

/// Which callers share a cache.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scope {
    /// All threads of the process.
    Process,
    /// Each thread has a cache of its own.
    Thread,
    /// Each object has a cache of its own.
    Instance,
}

/// Which instances of a generic function share a cache.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Instances {
    /// Each has a cache of its own.
    Separate,
    /// Those that differ in nothing but the function's own parameters.
    Shared,
}

/// Whether a call waits until the tier has its result.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Write {
    /// It returns at once.
    Behind,
    /// It waits.
    Through,
}

/// Which entry leaves a full cache.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Policy {
    /// The one that was used least recently.
    Lru,
    /// One that was used rarely or long ago, by what the cache has seen.
    Adaptive,
    /// One that can be computed again soon, for its weight.
    Cost,
}

/// The modes of durability: the word in the attribute, and the name of the runtime's variant.
const DURABILITIES: [(&str, &str); 4] =
    [("none", "None"), ("os", "Os"), ("interval", "Interval"), ("always", "Always")];

/// `durability`: one of four words, returned as the name of the runtime's variant.
pub(crate) fn durability(name: &Ident, form: Form) -> syn::Result<Ident> {
    let variant = one_of(name, form, &DURABILITIES)?;
    Ok(Ident::new(variant, Span::mixed_site()))
}

/// `policy`: one of three words.
pub(crate) fn policy(name: &Ident, form: Form) -> syn::Result<Policy> {
    let words = [("lru", Policy::Lru), ("adaptive", Policy::Adaptive), ("cost", Policy::Cost)];
    one_of(name, form, &words)
}

/// `scope`: one of three words.
pub(crate) fn scope(name: &Ident, form: Form) -> syn::Result<Scope> {
    let words =
        [("process", Scope::Process), ("thread", Scope::Thread), ("instance", Scope::Instance)];
    one_of(name, form, &words)
}

/// `instances`: one of two words.
pub(crate) fn instances(name: &Ident, form: Form) -> syn::Result<Instances> {
    one_of(name, form, &[("separate", Instances::Separate), ("shared", Instances::Shared)])
}

/// `write`: one of two words.
pub(crate) fn write(name: &Ident, form: Form) -> syn::Result<Write> {
    one_of(name, form, &[("behind", Write::Behind), ("through", Write::Through)])
}

/// `stale_if_error`: `true` or `false`.
pub(crate) fn boolean(name: &Ident, form: Form) -> syn::Result<bool> {
    match expression(name, form)? {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Bool(value), .. }) => Ok(value.value),
        other => Err(error(other, format!("`{name}` is `true` or `false`"))),
    }
}

/// The meaning of the word that is written.
fn one_of<T: Copy>(name: &Ident, form: Form, words: &[(&str, T)]) -> syn::Result<T> {
    let value = expression(name, form)?;
    if let Some(word) = identifier(&value) {
        return Err(must_be_text(name, &word));
    }
    let text = string(name, &value)?;
    let written = text.value();
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == written) {
        return Ok(*meaning);
    }
    let known = words.iter().map(|(word, _)| *word);
    // An abbreviation is no typing error of another: `lfu` is a policy, and not `lru` mistyped.
    let near = suggestion::nearest(&written, known.clone()).filter(|near| near.len() > 3);
    let fix = match near {
        Some(near) => format!(", did you mean `{near}`?"),
        None => format!(": it is one of {}", alternatives(known)),
    };
    Err(error(text, format!("unknown {name} `{written}`{fix}")))
}

/// "`a`, `b` or `c`".
fn alternatives<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

//! The names of companions: an identifier, or `none`.

use proc_macro2::{Ident, TokenStream};

use crate::parse::raw_argument::Form;
use crate::parse::values::expression::{expression, identifier, must_not_be_text};

/// The names of the companions.
pub(crate) enum Companion {
    /// There are no companions.
    None,
    /// The names begin with this.
    Stem(Ident),
    /// The same, but they do not stand beside the function: this path comes before their names.
    Apart(Ident, TokenStream),
}

/// `companion`: an identifier, or `none`.
pub(crate) fn companion(name: &Ident, form: Form) -> syn::Result<Companion> {
    let value = expression(name, form)?;
    match identifier(&value) {
        Some(word) if word == "none" => Ok(Companion::None),
        Some(word) => Ok(Companion::Stem(word)),
        None => Err(must_not_be_text(name, &value, "an identifier or `none`")),
    }
}

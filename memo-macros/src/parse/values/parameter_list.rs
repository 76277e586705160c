//! A list of parameters in parentheses.

use proc_macro2::Ident;
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;

use crate::parse::raw_argument::Form;
use crate::parse::values::expression::{error, identifier};

/// `skip`: names of parameters. Whether the function has them is not known here.
pub(crate) fn parameters(name: &Ident, form: Form) -> syn::Result<Vec<Ident>> {
    let list = match form {
        Form::List(list) => list,
        Form::Flag | Form::Missing(_) => {
            return Err(error(name, "`skip` names parameters: `skip(connection)`"));
        }
        Form::Value(value) => {
            let given =
                identifier(&value).map_or_else(|| "connection".to_owned(), |word| word.to_string());
            return Err(error(value, format!("`skip` takes a list: `skip({given})`")));
        }
    };
    let read = |input: ParseStream<'_>| {
        Punctuated::<_, Token![,]>::parse_terminated_with(input, Ident::parse_any)
    };
    let names: Vec<Ident> = read
        .parse2(list.stream())
        .map_err(|mistake| {
            syn::Error::new(mistake.span(), "`skip` takes names of parameters: `skip(a, b)`")
        })?
        .into_iter()
        .collect();
    if names.is_empty() {
        return Err(error(list, "`skip` names no parameter: name one, or leave `skip` out"));
    }
    for (at, twice) in names.iter().enumerate() {
        if names[..at].contains(twice) {
            return Err(error(twice, format!("`{twice}` is skipped twice: keep one")));
        }
    }
    Ok(names)
}

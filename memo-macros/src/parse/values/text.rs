//! Values that are text: a name, or the path of a directory.

use proc_macro2::Ident;
use syn::{Expr, ExprLit, Lit, LitStr};

use crate::parse::argument_names::example;
use crate::parse::raw_argument::Form;
use crate::parse::values::expression::{
    error, expression, identifier, must_be_text, plain, string,
};

/// `name`: text that is not empty.
pub(crate) fn text(name: &Ident, form: Form) -> syn::Result<LitStr> {
    let value = expression(name, form)?;
    if let Some(word) = identifier(&value) {
        return Err(must_be_text(name, &word));
    }
    let text = string(name, &value)?;
    if text.value().trim().is_empty() {
        let message = format!("the name is empty: `{}`, or leave `{name}` out", example(name));
        return Err(error(text, message));
    }
    Ok(text)
}

/// `persist`: a path as text, or an expression.
pub(crate) fn directory(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().trim().is_empty() => {
            Err(error(text, format!("the path is empty: name a directory, `{}`", example(name))))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().starts_with('~') => {
            Err(error(text, in_the_home_directory(name, &text.value())))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => Ok(value),
        Expr::Lit(other) => {
            Err(error(other, format!("`{name}` is the path of a directory: `{}`", example(name))))
        }
        _ => Ok(value),
    }
}

fn in_the_home_directory(name: &Ident, path: &str) -> String {
    let rest = path.trim_start_matches(['~', '/']);
    let rest = if rest.is_empty() { "cache" } else { rest };
    format!(
        "only a shell expands `~`: write `{name} = std::env::home_dir().unwrap_or_default().join({rest:?})`, \
         or `\"./{path}\"` for a directory of that name"
    )
}

//! Values that are any expression, and what the other readers ask of an expression.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, LitStr, Path, Stmt};

use crate::parse::argument_names::example;
use crate::parse::raw_argument::Form;

/// Any expression.
pub(crate) fn expression(name: &Ident, form: Form) -> syn::Result<Expr> {
    match form {
        Form::Value(value) => Ok(value),
        Form::Flag => Err(error(name, format!("`{name}` needs a value: `{}`", example(name)))),
        Form::Missing(equals) => {
            Err(error(equals, format!("`{name}` needs a value: `{}`", example(name))))
        }
        Form::List(group) => {
            Err(error(group, format!("`{name}` takes a value after `=`: `{}`", example(name))))
        }
    }
}

/// `key`: an expression over the parameters. A literal would be one key for all calls. `{ a }` is `a`, as the crate
/// cached has it: a block would move the parameter.
pub(crate) fn key(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = without_braces(expression(name, form)?);
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Int(_) | Lit::Bool(_), .. }) => Err(error(
            &value,
            "every call would share this one key: if that is meant, write `key = ()`",
        )),
        Expr::Lit(_) => Err(error(
            &value,
            format!(
                "every call would share this one key: `key` is an expression over the parameters, \
                 without quotes: `{}`",
                example(name)
            ),
        )),
        _ => Ok(value),
    }
}

/// The expression of a block that has one and nothing else.
fn without_braces(value: Expr) -> Expr {
    match plain(&value) {
        Expr::Block(block) if block.attrs.is_empty() && block.label.is_none() => {
            match block.block.stmts.as_slice() {
                [Stmt::Expr(inner, None)] => without_braces(inner.clone()),
                _ => value,
            }
        }
        _ => value,
    }
}

/// `tags`: a list, or an expression that gives tags.
pub(crate) fn tags(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(_) | Expr::Tuple(_) => {
            Err(error(&value, format!("`{name}` is a list: `{}`", example(name))))
        }
        _ => Ok(value),
    }
}

/// A function or a closure.
pub(crate) fn callable(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(_) => {
            Err(error(&value, format!("`{name}` is a function or a closure: `{}`", example(name))))
        }
        _ => Ok(value),
    }
}

/// `remote`: an expression that gives a tier.
pub(crate) fn tier(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(_) => Err(error(
            &value,
            format!(
                "`{name}` is no address: it is an expression that gives a `memokit::remote::Tier`, such as `{}`",
                example(name)
            ),
        )),
        _ => Ok(value),
    }
}

/// `cache`: an expression that gives a field.
pub(crate) fn field(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(_) => Err(error(
            &value,
            format!(
                "`{name}` is the field of `self` that has the results, without quotes: `{}`",
                example(name)
            ),
        )),
        _ => Ok(value),
    }
}

/// `crate` and `codec`: a path.
pub(crate) fn path(name: &Ident, form: Form) -> syn::Result<Path> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(must_not_be_text(name, &value, "a path")),
    }
}

/// `in_impl`: without a value. The crate cached has an argument of this name for every method.
pub(crate) fn in_impl(name: &Ident, form: Form) -> syn::Result<()> {
    match form {
        Form::Value(value) => Err(error(
            value,
            "`in_impl` takes no value: write `in_impl`, if the function is in an impl and mentions neither `self` nor \
             `Self`; a method needs none, but `skip(self)` if `self` is not to be a part of the key",
        )),
        form => flag(name, form),
    }
}

/// An argument without a value.
pub(crate) fn flag(name: &Ident, form: Form) -> syn::Result<()> {
    let message = format!("`{name}` takes no value: write `{}`", example(name));
    match form {
        Form::Flag => Ok(()),
        Form::Missing(equals) => Err(error(equals, message)),
        Form::List(group) => Err(error(group, message)),
        Form::Value(value) => Err(error(value, message)),
    }
}

/// The expression without parentheses and without the invisible groups of `macro_rules!`.
pub(crate) fn plain(value: &Expr) -> &Expr {
    match value {
        Expr::Paren(inner) => plain(&inner.expr),
        Expr::Group(inner) => plain(&inner.expr),
        other => other,
    }
}

/// The value, if it is one identifier.
pub(crate) fn identifier(value: &Expr) -> Option<Ident> {
    match plain(value) {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident().cloned(),
        _ => None,
    }
}

/// The value, which has to be a string literal.
pub(crate) fn string(name: &Ident, value: &Expr) -> syn::Result<LitStr> {
    match plain(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
        other => Err(error(other, format!("`{name}` is text: `{}`", example(name)))),
    }
}

/// The error about a word that needs quotes.
pub(crate) fn must_be_text(name: &Ident, word: &Ident) -> syn::Error {
    error(word, format!("`{name}` is text: `{name} = \"{word}\"`"))
}

/// The error about a value that may be in quotes and must not be.
pub(crate) fn must_not_be_text(name: &Ident, value: &Expr, expected: &str) -> syn::Error {
    let fix = match plain(value) {
        // `"json"` without quotes would not name a type: the codec has a path.
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if name != "codec" => {
            format!("{name} = {}", text.value())
        }
        _ => example(name).to_owned(),
    };
    error(value, format!("`{name}` is {expected}, without quotes: `{fix}`"))
}

pub(crate) fn error(under: impl ToTokens, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(under, message)
}

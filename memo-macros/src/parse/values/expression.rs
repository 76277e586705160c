//! Readers of one argument's value each.

use std::time::Duration;

use proc_macro2::{Ident, Span as TokenSpan};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, ExprUnary, Lit, LitInt, LitStr, Path, Token};

use crate::parse::arguments::{Bytes, Companion, Scope, Span, example};
use crate::parse::raw::Form;
use crate::parse::suggestion as suggest;
use crate::parse::values::duration;
use crate::parse::values::size;

/// The modes of durability: as written, and as the runtime names them.
const DURABILITIES: [(&str, &str); 4] =
    [("none", "None"), ("os", "Os"), ("interval", "Interval"), ("always", "Always")];

/// An expression over the parameters. In quotes it would be one key for all calls.
pub(crate) fn key(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
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

/// `max`: a number above zero, or an expression.
pub(crate) fn bound(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => whole(name, number, &value),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().parse() == Ok(0_u64) => {
            Err(error(text, of_none(name)))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().parse::<u64>().is_ok() => {
            Err(error(text, format!("a number needs no quotes: `{name} = {}`", text.value())))
        }
        Expr::Lit(_) | Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), .. }) => Err(error(
            &value,
            format!("`{name}` is a whole number above zero: `{}`", example(name)),
        )),
        _ => Ok(value),
    }
}

fn of_none(name: &Ident) -> String {
    format!("a cache of none keeps nothing: leave `{name}` out for no bound")
}

/// A literal with a type, since a bare one would be an i32.
fn whole(name: &Ident, number: &LitInt, value: &Expr) -> syn::Result<Expr> {
    let count: u64 =
        number.base10_parse().map_err(|_| error(number, "this number is too large"))?;
    if count == 0 {
        return Err(error(number, of_none(name)));
    }
    if !number.suffix().is_empty() {
        return Ok(value.clone());
    }
    let typed = LitInt::new(&format!("{count}usize"), number.span());
    Ok(Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::Int(typed) }))
}

/// `shards`: a power of two, or an expression.
pub(crate) fn shards(name: &Ident, form: Form) -> syn::Result<Expr> {
    const MOST: u64 = 1 << 16;
    let value = expression(name, form)?;
    let Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) = plain(&value) else {
        return bound(name, Form::Value(value));
    };
    let mend = match number.base10_parse::<u64>() {
        Ok(0) => format!("`{name} = 1`"),
        Ok(count) if count.is_power_of_two() && count <= MOST => {
            return bound(name, Form::Value(value));
        }
        Ok(count) if count < MOST => {
            format!("`{name} = {}` or `{name} = {}`", 1 << count.ilog2(), count.next_power_of_two())
        }
        _ => format!("`{name} = {MOST}`, which is the most"),
    };
    Err(error(number, format!("`{name}` is a power of two: {mend}")))
}

/// `max_bytes`: text, a number of bytes above zero, or an expression that gives one.
pub(crate) fn bytes(name: &Ident, form: Form) -> syn::Result<Bytes> {
    let value = expression(name, form)?;
    let above_zero = |guilty: &dyn ToTokens, count| {
        let message = format!("a cache of no bytes keeps nothing: leave `{name}` out for no bound");
        if count == 0 { Err(error(guilty, message)) } else { Ok(Bytes::Text(count)) }
    };
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().parse::<u64>().is_ok() => {
            above_zero(text, text.value().parse().unwrap_or_default())?;
            Err(error(
                text,
                format!("a number of bytes needs no quotes: `{name} = {}`", text.value()),
            ))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match size::parse(&text.value()) {
            Ok(bytes) => above_zero(text, bytes),
            Err(message) => Err(error(text, message)),
        },
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
            let count = number.base10_parse();
            above_zero(number, count.map_err(|_| error(number, "this number is too large"))?)
        }
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => Ok(Bytes::Expression(value)),
        Expr::Lit(_) | Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), .. }) => {
            Err(error(&value, format!("`{name}` is a number of bytes: `{}`", example(name))))
        }
        _ => Ok(Bytes::Expression(value)),
    }
}

/// `verify`: a fraction, or an expression that gives an f64.
pub(crate) fn fraction(name: &Ident, form: Form) -> syn::Result<Expr> {
    let value = expression(name, form)?;
    let message = || format!("`{name}` is a share between 0 and 1: `{}`", example(name));
    match plain(&value) {
        Expr::Lit(ExprLit { lit: lit @ (Lit::Float(_) | Lit::Int(_)), .. }) => {
            let digits = match lit {
                Lit::Float(float) => float.base10_digits(),
                Lit::Int(int) => int.base10_digits(),
                _ => "",
            };
            match digits.parse::<f64>() {
                Ok(share) if (0.0..=1.0).contains(&share) => {
                    let share = syn::LitFloat::new(&format!("{share:?}f64"), lit.span());
                    Ok(Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::Float(share) }))
                }
                _ => Err(error(&value, message())),
            }
        }
        Expr::Lit(_) | Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), .. }) => {
            Err(error(&value, message()))
        }
        _ => Ok(value),
    }
}

/// `ttl`: text, or an expression that gives a Duration.
pub(crate) fn span(name: &Ident, form: Form) -> syn::Result<Span> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(Span::Text(time(name, text)?)),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let digits = number.base10_digits();
            if digits == "0" {
                return Err(error(number, format!("`{name}` has to be longer than zero")));
            }
            Err(error(number, format!("a number of what? `{name} = \"{digits}s\"` for seconds")))
        }
        Expr::Lit(other) => Err(error(other, format!("`{name}` is a time: `{}`", example(name)))),
        _ => Ok(Span::Expression(value)),
    }
}

/// `cache_err`: alone, or with a time as text.
pub(crate) fn flag_or_time(name: &Ident, form: Form) -> syn::Result<Option<Duration>> {
    if let Form::Flag = form {
        return Ok(None);
    }
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => time(name, text).map(Some),
        other => Err(error(
            other,
            format!("`{name}` stands alone or takes a time as text: `{}`", example(name)),
        )),
    }
}

fn time(name: &Ident, text: &LitStr) -> syn::Result<Duration> {
    match duration::parse(&text.value()) {
        Ok(Duration::ZERO) => Err(error(text, format!("`{name}` has to be longer than zero"))),
        Ok(time) => Ok(time),
        Err(message) => Err(error(text, message)),
    }
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
        "only a shell knows `~`: `{name} = std::env::home_dir().unwrap_or_default().join({rest:?})`, \
         or `\"./{path}\"` for a directory of that name"
    )
}

/// `durability`: one of four words, as the name of the runtime's variant.
pub(crate) fn durability(name: &Ident, form: Form) -> syn::Result<Ident> {
    let variant = one_of(name, form, &DURABILITIES)?;
    Ok(Ident::new(variant, TokenSpan::mixed_site()))
}

/// `policy`: the one that there is.
pub(crate) fn policy(name: &Ident, form: Form) -> syn::Result<()> {
    one_of(name, form, &[("lru", ())])
}

/// `scope`: one of two words.
pub(crate) fn scope(name: &Ident, form: Form) -> syn::Result<Scope> {
    one_of(name, form, &[("process", Scope::Process), ("thread", Scope::Thread)])
}

/// What one of these words stands for.
fn one_of<T: Copy>(name: &Ident, form: Form, words: &[(&str, T)]) -> syn::Result<T> {
    let value = expression(name, form)?;
    if let Some(word) = word(&value) {
        return Err(quotes_missing(name, &word));
    }
    let text = string(name, &value)?;
    let written = text.value();
    if let Some((_, meant)) = words.iter().find(|(word, _)| *word == written) {
        return Ok(*meant);
    }
    let known = words.iter().map(|(word, _)| *word);
    let mend = match (suggest::nearest(&written, known.clone()), words) {
        (Some(near), _) => format!(", did you mean `{near}`?"),
        (None, [(only, _)]) => format!(": there is `{only}`"),
        (None, _) => format!(": it is one of {}", alternatives(known)),
    };
    Err(error(text, format!("unknown {name} `{written}`{mend}")))
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

/// An argument that stands alone.
pub(crate) fn flag(name: &Ident, form: Form) -> syn::Result<()> {
    let message = format!("`{name}` stands alone: `{}`", example(name));
    match form {
        Form::Flag => Ok(()),
        Form::Missing(equals) => Err(error(equals, message)),
        Form::List(group) => Err(error(group, message)),
        Form::Value(value) => Err(error(value, message)),
    }
}

/// `skip`: names of parameters.
pub(crate) fn names(name: &Ident, form: Form) -> syn::Result<Vec<Ident>> {
    let list = match form {
        Form::List(list) => list,
        Form::Flag | Form::Missing(_) => {
            return Err(error(name, "`skip` names parameters: `skip(connection)`"));
        }
        Form::Value(value) => {
            let given =
                word(&value).map_or_else(|| "connection".to_owned(), |word| word.to_string());
            return Err(error(value, format!("`skip` takes a list: `skip({given})`")));
        }
    };
    let read = |input: ParseStream<'_>| {
        Punctuated::<_, Token![,]>::parse_terminated_with(input, Ident::parse_any)
    };
    let names: Vec<Ident> = read
        .parse2(list.stream())
        .map_err(|slip| {
            syn::Error::new(slip.span(), "`skip` takes names of parameters: `skip(a, b)`")
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

/// `name`: text that is not empty.
pub(crate) fn text(name: &Ident, form: Form) -> syn::Result<LitStr> {
    let value = expression(name, form)?;
    if let Some(word) = word(&value) {
        return Err(quotes_missing(name, &word));
    }
    let text = string(name, &value)?;
    if text.value().trim().is_empty() {
        let message = format!("the name is empty: `{}`, or leave `{name}` out", example(name));
        return Err(error(text, message));
    }
    Ok(text)
}

/// `companion`: an identifier, or `none`.
pub(crate) fn companion(name: &Ident, form: Form) -> syn::Result<Companion> {
    let value = expression(name, form)?;
    match word(&value) {
        Some(word) if word == "none" => Ok(Companion::None),
        Some(word) => Ok(Companion::Stem(word)),
        None => Err(quotes_too_many(name, &value, "an identifier or `none`")),
    }
}

/// `crate`: a path.
pub(crate) fn path(name: &Ident, form: Form) -> syn::Result<Path> {
    let value = expression(name, form)?;
    match plain(&value) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(quotes_too_many(name, &value, "a path")),
    }
}

/// The expression without parentheses and without the invisible groups of `macro_rules!`.
fn plain(value: &Expr) -> &Expr {
    match value {
        Expr::Paren(inner) => plain(&inner.expr),
        Expr::Group(inner) => plain(&inner.expr),
        other => other,
    }
}

/// The value if it is one identifier.
fn word(value: &Expr) -> Option<Ident> {
    match plain(value) {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident().cloned(),
        _ => None,
    }
}

fn string(name: &Ident, value: &Expr) -> syn::Result<LitStr> {
    match plain(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
        other => Err(error(other, format!("`{name}` is text: `{}`", example(name)))),
    }
}

fn quotes_missing(name: &Ident, word: &Ident) -> syn::Error {
    error(word, format!("`{name}` is text: `{name} = \"{word}\"`"))
}

fn quotes_too_many(name: &Ident, value: &Expr, what: &str) -> syn::Error {
    let mend = match plain(value) {
        // `"json"` is no type: the one that is meant has a path.
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if name != "codec" => {
            format!("{name} = {}", text.value())
        }
        _ => example(name).to_owned(),
    };
    error(value, format!("`{name}` is {what}, without quotes: `{mend}`"))
}

fn error(guilty: impl ToTokens, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(guilty, message)
}

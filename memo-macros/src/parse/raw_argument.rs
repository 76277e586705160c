//! The grammar of the attribute's arguments: a name, and what follows it. Any name is accepted here.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Token};

use crate::errors::Errors;
use crate::parse::argument_names;

/// One argument as written.
pub(crate) struct RawArgument {
    pub(crate) name: Ident,
    pub(crate) form: Form,
}

/// What follows the name of an argument.
pub(crate) enum Form {
    /// `cache_err`
    Flag,
    /// `max = 1000`
    Value(Expr),
    /// `max =`
    Missing(Token![=]),
    /// `skip(a, b)`
    List(Group),
}

impl Form {
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            Form::Flag | Form::Missing(_) => TokenStream::new(),
            Form::Value(value) => value.to_token_stream(),
            Form::List(group) => group.stream(),
        }
    }
}

/// Reads all arguments. After a mistake it continues with the next argument.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Vec<RawArgument> {
    let all = |input: ParseStream<'_>| {
        let mut arguments = Vec::new();
        while !input.is_empty() {
            match argument(input) {
                Ok(argument) => arguments.push(argument),
                Err(error) => {
                    errors.push(error);
                    skip_to_next(input)?;
                }
            }
            if !input.is_empty() && !input.peek(Token![,]) {
                errors.push(input.error("expected `,` between arguments"));
                skip_to_next(input)?;
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(arguments)
    };
    let arguments = all.parse2(tokens);
    errors.take(arguments).unwrap_or_default()
}

fn argument(input: ParseStream<'_>) -> syn::Result<RawArgument> {
    if !input.peek(syn::Ident::peek_any) {
        return Err(input.error("expected the name of an argument, as in `max = 1000`"));
    }
    let name = input.call(Ident::parse_any)?;
    let form = if input.peek(Token![=]) {
        let equals: Token![=] = input.parse()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(RawArgument { name, form: Form::Missing(equals) });
        }
        Form::Value(input.parse()?)
    } else if input.peek(syn::token::Paren) {
        Form::List(parenthesis(input)?)
    } else if input.is_empty() || input.peek(Token![,]) {
        Form::Flag
    } else if input.peek(Token![:]) {
        return Err(syn::Error::new(name.span(), argument_names::colon(&name.to_string())));
    } else {
        return Err(input.error(format!("expected `=` after `{name}`")));
    };
    Ok(RawArgument { name, form })
}

fn parenthesis(input: ParseStream<'_>) -> syn::Result<Group> {
    match input.parse()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => Ok(group),
        other => Err(syn::Error::new_spanned(other, "expected `(`")),
    }
}

/// Skips to a comma after which an argument seems to begin, so that one mistake gives one message.
fn skip_to_next(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !begins_argument(input) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn begins_argument(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Token![,]>().is_ok()
        && (ahead.is_empty()
            || ahead.call(Ident::parse_any).is_ok()
                && (ahead.is_empty()
                    || ahead.peek(Token![,])
                    || ahead.peek(Token![=])
                    || ahead.peek(Token![:])
                    || ahead.peek(syn::token::Paren)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut errors = Errors::default();
        let arguments = parse(text.parse().unwrap(), &mut errors);
        let names = arguments.iter().map(|raw| raw.name.to_string()).collect();
        (names, errors.messages())
    }

    #[test]
    fn every_form() {
        let (names, errors) = read("max = 1 + 2, skip(a, b), cache_err, crate = ::memokit,");
        assert_eq!(names, ["max", "skip", "cache_err", "crate"]);
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn continues_after_each_mistake() {
        let (names, errors) =
            read("max =, ttl \"3s\", 5, key = |a, , b|, name = \"x\" persist, skip(a)");
        assert_eq!(names, ["max", "name", "skip"]);
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors[0].contains("expected `=` after `ttl`"));
        assert!(errors[2].contains("expected `,` between arguments"));
    }
}

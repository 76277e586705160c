//! The rule that a setting is evaluated once, without the arguments of a call.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use crate::errors::Errors;
use crate::parse::arguments::{Args, Given};
use crate::parse::function::Function;
use crate::parse::values::duration::TimeSpan;
use crate::parse::values::size::Size;
use crate::parse::values::weight::Weight;
use crate::syntax::format_string;
use crate::syntax::tokens::mentions_self_value;

/// A setting cannot name an argument. rustc would report it in terms of the closure that evaluates the setting.
pub(super) fn settings_need_no_call(args: &Args, function: &Function, errors: &mut Errors) {
    fn named<T>(given: &Given<T>) -> (&Ident, &TokenStream) {
        (&given.name, &given.tokens)
    }
    fn span(given: Option<&Given<TimeSpan>>) -> Option<(&Ident, &TokenStream)> {
        given.filter(|given| matches!(given.value, TimeSpan::Expression(_))).map(named)
    }
    fn size(given: Option<&Given<Size>>) -> Option<(&Ident, &TokenStream)> {
        given.filter(|given| matches!(given.value, Size::Expression(_))).map(named)
    }
    let weigh = args.weigh.as_ref();
    let settings = [
        args.max.as_ref().map(named),
        size(args.max_bytes.as_ref()),
        weigh.filter(|given| matches!(given.value, Weight::Function(_))).map(named),
        args.shards.as_ref().map(named),
        span(args.ttl.as_ref()),
        span(args.stale.as_ref()),
        span(args.idle.as_ref()),
        span(args.wait_limit.as_ref()),
        args.refresh_ahead.as_ref().map(named),
        args.ttl_with.as_ref().map(named),
        args.tags_with.as_ref().map(named),
        args.jitter.as_ref().map(named),
        args.persist.as_ref().map(named),
        size(args.max_disk.as_ref()),
        size(args.max_value.as_ref()),
        args.remote.as_ref().map(named),
        span(args.remote_limit.as_ref()),
        span(args.stale_while_disconnected.as_ref()),
        args.version.as_ref().map(named),
        args.explain.as_ref().map(named),
        args.on_evict.as_ref().map(named),
    ];
    for (name, tokens) in settings.into_iter().flatten() {
        if mentions_self_value(tokens.clone()) {
            let message =
                format!("`{name}` is evaluated once, for all values of the type: leave `self` out");
            errors.at(tokens, message);
        } else if let Some(parameter) = mentioned_parameter(function, tokens, false) {
            let message = format!(
                "`{name}` is evaluated once for all calls: leave the parameter `{parameter}` out"
            );
            errors.at(parameter, message);
        }
    }
}

/// A word that can only be a parameter of the function. Closures and blocks are left out, since they may have variables
/// of that name. A string is a format string if it is given to a macro.
fn mentioned_parameter(
    function: &Function,
    tokens: &TokenStream,
    for_a_macro: bool,
) -> Option<Ident> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let is = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(found)) if found.as_char() == mark);
    if (0..tokens.len()).any(|at| is(at, '|')) {
        return None;
    }
    // `n = 1` in the input of a macro gives it an `n` of its own.
    let names = |at: usize| for_a_macro && is(at + 1, '=') && !is(at + 2, '=');
    let parameter = |word: &Ident| {
        let given = |(at, token): (usize, &TokenTree)| {
            matches!(token, TokenTree::Ident(name) if name == word) && names(at)
        };
        !tokens.iter().enumerate().any(given)
            && function.parameters.iter().any(|own| own.name == *word)
    };
    tokens.iter().enumerate().find_map(|(at, token)| match token {
        TokenTree::Ident(word) => {
            let part = at > 0 && (is(at - 1, '.') || is(at - 1, ':'))
                || is(at + 1, ':')
                || is(at + 1, '!');
            (!part && parameter(word)).then(|| word.clone())
        }
        TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
            mentioned_parameter(function, &group.stream(), for_a_macro || at > 0 && is(at - 1, '!'))
        }
        TokenTree::Literal(text) if for_a_macro => {
            format_string::names(text).into_iter().find(parameter)
        }
        _ => None,
    })
}

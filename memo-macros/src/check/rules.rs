//! What arguments and function have to agree on, one function for each rule.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{ReturnType, Type, Visibility};

use crate::emit::body::Course;
use crate::errors::Errors;
use crate::parse::arguments::{Args, Bytes, Companion, Given, Span};
use crate::parse::function::{Function, Shape, mentions_receiver};
use crate::parse::suggestion as suggest;
use crate::syntax::format_string::in_format;
use crate::syntax::type_walk::{Found, kept_part, parts, walk};

/// Reports everything that does not fit together.
pub(crate) fn check(args: &Args, function: &Function, errors: &mut Errors) {
    persist_is_a_feature(args, cfg!(feature = "persist"), errors);
    what_is_about_the_disk_needs_persist(args, errors);
    freshness_needs_ttl(args, errors);
    weights_need_a_bound(args, errors);
    shards_hold_an_entry_each(args, errors);
    key_excludes_skip(args, errors);
    skip_names_parameters(args, function, errors);
    cache_err_needs_a_result(args, function, errors);
    settings_stand_alone(args, function, errors);
    scope_excludes_persist(args, errors);
    scope_excludes_tasks(args, function, errors);
    opaque_types_have_an_argument(args, function, errors);
    caller_is_tracked_by_name(args, function, errors);
    attribute_is_given_once(function, errors);
    persisted_results_are_owned(args, function, errors);
}

fn persist_is_a_feature(args: &Args, enabled: bool, errors: &mut Errors) {
    if let Some(persist) = args.persist.as_ref().filter(|_| !enabled) {
        let message = "`persist` is a feature of memokit: add it to `features` in Cargo.toml";
        errors.at(&persist.name, message);
    }
}

fn what_is_about_the_disk_needs_persist(args: &Args, errors: &mut Errors) {
    let durability = args.durability.as_ref().map(|given| &given.name);
    let codec = args.codec.as_ref().map(|given| &given.name);
    if args.wrote("persist") {
        return;
    }
    for name in [durability, codec].into_iter().flatten() {
        let message =
            format!("`{name}` is about what is on disk: add `persist = \"...\"`, or leave it out");
        errors.at(name, message);
    }
}

fn freshness_needs_ttl(args: &Args, errors: &mut Errors) {
    let stale = args.stale.as_ref().map(|given| &given.name);
    let refresh_ahead = args.refresh_ahead.as_ref().map(|given| &given.name);
    let ends = args.wrote("ttl") || args.wrote("ttl_with");
    for name in [stale, refresh_ahead].into_iter().flatten().filter(|_| !ends) {
        let message = format!("`{name}` is about the end of the `ttl`: add `ttl = \"30s\"`");
        errors.at(name, message);
    }
}

fn weights_need_a_bound(args: &Args, errors: &mut Errors) {
    let Some(weigh) = args.weigh.as_ref().filter(|_| !args.wrote("max_bytes")) else { return };
    let message =
        "`weigh` is about the bound on bytes: add `max_bytes = \"64MiB\"`, or leave it out";
    errors.at(&weigh.name, message);
}

fn shards_hold_an_entry_each(args: &Args, errors: &mut Errors) {
    let number = |given: &Option<Given<syn::Expr>>| match &given.as_ref()?.value {
        syn::Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Int(number) => number.base10_parse::<u64>().ok(),
            _ => None,
        },
        _ => None,
    };
    let (Some(max), Some(shards)) = (number(&args.max), number(&args.shards)) else { return };
    if let Some(given) = args.shards.as_ref().filter(|_| max > 0 && shards > max) {
        let most = 1_u64 << max.ilog2();
        let message = format!(
            "{shards} shards cannot share {max} entries: write `shards = {most}` or less, or leave it out"
        );
        errors.at(&given.tokens, message);
    }
}

fn key_excludes_skip(args: &Args, errors: &mut Errors) {
    let Some(skip) = &args.skip else { return };
    if args.wrote("key") {
        errors.at(&skip.name, "`key` already says what makes the key: leave `skip` out");
    }
}

fn skip_names_parameters(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(skip) = &args.skip else { return };
    let named = function.parameters.iter().filter(|parameter| parameter.shape != Shape::Pattern);
    let mut known: Vec<String> = named.map(|parameter| parameter.name.to_string()).collect();
    known.extend(function.receiver().map(|_| "self".to_owned()));
    for name in skip.value.iter().filter(|name| known.iter().all(|known| *name != known)) {
        let text = name.to_string();
        let in_pattern = |word: &str| {
            let patterns =
                function.parameters.iter().filter(|parameter| parameter.shape == Shape::Pattern);
            patterns
                .into_iter()
                .any(|parameter| mentions(parameter.typed.pat.to_token_stream(), word))
        };
        let message = if text == "self" {
            "there is no `self` to skip: this is no method".to_owned()
        } else if in_pattern(&text) {
            format!(
                "`{text}` is part of a pattern: name the parameter and take it apart in the body"
            )
        } else {
            let near = suggest::did_you_mean(&text, known.iter().map(String::as_str));
            let near = if near.is_empty() { listed(&known) } else { near };
            format!("there is no parameter `{text}`{near}")
        };
        errors.at(name, message);
    }
}

fn mentions(tokens: proc_macro2::TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions(group.stream(), word),
        _ => false,
    })
}

fn listed(known: &[String]) -> String {
    if known.is_empty() {
        return ": the function has none, leave `skip` out".to_owned();
    }
    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!(": there are {}", names.join(", "))
}

fn cache_err_needs_a_result(args: &Args, function: &Function, errors: &mut Errors) {
    if let (Some(cache_err), ReturnType::Default) = (&args.cache_err, &function.signature.output) {
        errors.at(
            &cache_err.name,
            "the function returns no `Result`, so there is no error to keep: leave `cache_err` out",
        );
    }
}

/// Settings are evaluated without arguments, where rustc's own message would speak of closures.
fn settings_stand_alone(args: &Args, function: &Function, errors: &mut Errors) {
    fn named<T>(given: &Given<T>) -> (&Ident, &TokenStream) {
        (&given.name, &given.tokens)
    }
    fn span(given: Option<&Given<Span>>) -> Option<(&Ident, &TokenStream)> {
        given.filter(|given| matches!(given.value, Span::Expression(_))).map(named)
    }
    let max_bytes = args.max_bytes.as_ref();
    let settings = [
        args.max.as_ref().map(named),
        max_bytes.filter(|given| matches!(given.value, Bytes::Expression(_))).map(named),
        args.weigh.as_ref().map(named),
        args.shards.as_ref().map(named),
        span(args.ttl.as_ref()),
        span(args.stale.as_ref()),
        span(args.idle.as_ref()),
        span(args.wait_limit.as_ref()),
        args.refresh_ahead.as_ref().map(named),
        args.ttl_with.as_ref().map(named),
        args.jitter.as_ref().map(named),
        args.persist.as_ref().map(named),
        args.version.as_ref().map(named),
    ];
    for (name, tokens) in settings.into_iter().flatten() {
        if mentions_receiver(tokens.clone()) {
            let message = format!(
                "`{name}` is one for all values of the type and evaluated once: leave `self` out"
            );
            errors.at(tokens, message);
        } else if let Some(parameter) = mentioned(function, tokens, false) {
            let message = format!(
                "`{name}` is evaluated once for all calls: leave the parameter `{parameter}` out"
            );
            errors.at(parameter, message);
        }
    }
}

/// A word that can be nothing but a parameter of the function. A closure or a block may have its own by that name, and
/// a text is a format where it is given to a macro.
fn mentioned(function: &Function, tokens: &TokenStream, for_a_macro: bool) -> Option<Ident> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let is = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(found)) if found.as_char() == mark);
    if (0..tokens.len()).any(|at| is(at, '|')) {
        return None;
    }
    // A macro may be given its own: `n = 1`.
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
            mentioned(function, &group.stream(), for_a_macro || at > 0 && is(at - 1, '!'))
        }
        TokenTree::Literal(text) if for_a_macro => in_format(text).into_iter().find(parameter),
        _ => None,
    })
}

fn scope_excludes_persist(args: &Args, errors: &mut Errors) {
    let Some(scope) = args.scope.as_ref().filter(|_| args.is_local()) else { return };
    if args.wrote("persist") {
        errors.at(
            &scope.name,
            "a folder belongs to one cache, and each thread would have one: \
             leave `scope` out, or `persist`",
        );
    }
}

/// A pattern of which a key is made stays in the signature, and the whole argument has no name.
fn opaque_types_have_an_argument(args: &Args, function: &Function, errors: &mut Errors) {
    if args.key.is_none() {
        return;
    }
    for parameter in function.parameters.iter().filter(|p| p.shape == Shape::Pattern) {
        walk(&parameter.typed.ty, &mut |found| {
            if let Found::Opaque(opaque) = found {
                errors.at(
                    opaque,
                    "with `key` a pattern cannot hold an `impl Trait`: \
                     name the parameter and take it apart in the body",
                );
            }
        });
    }
}

fn scope_excludes_tasks(args: &Args, function: &Function, errors: &mut Errors) {
    let Some(scope) = args.scope.as_ref().filter(|_| args.is_local()) else { return };
    if function.signature.asyncness.is_some() {
        errors.at(
            &scope.name,
            "a task may move from thread to thread: leave `scope = \"thread\"` out, \
             or memoize a function that is not async",
        );
    }
}

/// `#[track_caller]` reaches a body that is called by name, not one in a closure.
fn caller_is_tracked_by_name(args: &Args, function: &Function, errors: &mut Errors) {
    let tracked = function.attributes.iter().find(|attr| attr.path().is_ident("track_caller"));
    // rustc knows no caller of an `async fn` either.
    let Some(tracked) = tracked.filter(|_| function.signature.asyncness.is_none()) else { return };
    if !matches!(Course::of(function, args), Course::Closure) {
        return;
    }
    let without = matches!(&args.companion, Some(given) if matches!(given.value, Companion::None));
    let mend = if without {
        "drop `#[track_caller]`, or memoize a function outside the impl"
    } else {
        "drop `#[track_caller]`, or take patterns apart in the body"
    };
    errors.at(tracked, format!("the caller cannot be passed on to this body: {mend}"));
}

/// rustc would say of it that `Deserialize` is not general enough.
fn persisted_results_are_owned(args: &Args, function: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, output) = &function.signature.output else { return };
    if !args.wrote("persist") || args.codec.is_some() {
        return;
    }
    parts(kept_part(output, args.cache_err.is_some()), &mut |part| match part {
        Type::Reference(reference) if reference.lifetime.is_some() => errors.at(
            reference,
            "what is read from disk is nowhere to be borrowed from: return an owned value \
             (`String`, `Vec<T>`, `Cow<'static, str>`), or leave `persist` out",
        ),
        _ => {}
    });
}

/// Whether there are companions that may stand in the impl of a trait, where nothing has a visibility.
pub(crate) fn brings_private_companions(args: &Args, function: &Function) -> bool {
    let without = matches!(&args.companion, Some(given) if matches!(given.value, Companion::None));
    !without && matches!(function.visibility, Visibility::Inherited)
}

/// rustc would say of each companion that it is no member of the trait.
pub(crate) fn impl_of_a_trait_has_no_companions(function: &Function, errors: &mut Errors) {
    errors.at(
        function.name(),
        "the impl of a trait has no place for companions: write `#[memoize(companion = none)]`, \
         or memoize a function outside of it",
    );
}

fn attribute_is_given_once(function: &Function, errors: &mut Errors) {
    for attribute in again(function) {
        errors.at(attribute, "the function is memoized twice: keep one `#[memoize]`");
    }
}

/// Further `#[memoize]` on the function, each of which brings companions of its own.
pub(crate) fn again(function: &Function) -> impl Iterator<Item = &syn::Attribute> {
    let last = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string());
    function.attributes.iter().filter(move |attr| last(attr.path()).as_deref() == Some("memoize"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors;

    fn messages(args: &str, function: &str) -> Vec<String> {
        errors::testing::messages(check, args, function)
    }

    #[track_caller]
    fn refused(args: &str, function: &str, message: &str) {
        errors::testing::refused(&messages(args, function), message);
    }

    #[test]
    fn what_fits_is_left_alone() {
        for (args, function) in [
            ("durability = \"os\", persist = \"x\"", "fn f() {}"),
            ("skip(self, r#type)", "fn f(&self, r#type: u32) {}"),
            ("cache_err", "fn f() -> io::Result<u32> { g() }"),
            ("companion = none", "fn f(&self) {}"),
            ("persist = \"{n}\"", "fn f(n: u32) {}"),
            ("persist = format!(\"{{n}}{n}\", n = 1)", "fn f(n: u32) {}"),
            ("persist = \"a~/~\"", "fn f() {}"),
            ("max = 8, shards = 8", "fn f() {}"),
            ("max = MAX, shards = 8", "fn f() {}"),
            ("max = Self::MAX, ttl_with = Self::ttl", "fn f() {}"),
            ("max_bytes = Self::MAX, weigh = Self::weight, idle = \"1s\"", "fn f() {}"),
            ("scope = \"process\", persist = \"x\"", "fn f() {}"),
            ("max = self::LIMIT, key = self.id", "fn f(&self) {}"),
            ("max = config().max, version = n::N, ttl_with = |n| n.ttl", "fn f(max: u8, n: u8) {}"),
            ("persist = \"x\"", "fn f() -> Result<u32, &'static str> {}"),
            ("", "#[track_caller] fn f(&self) {}"),
            ("key = a", "#[track_caller] fn f(a: u32) {}"),
        ] {
            assert_eq!(messages(args, function), [""; 0], "{args} {function}");
        }
    }

    #[test]
    fn persist_needs_its_feature() {
        for (enabled, errors) in [(true, 0), (false, 1)] {
            let check = |args: &Args, _: &Function, errors: &mut Errors| {
                persist_is_a_feature(args, enabled, errors);
            };
            let found = errors::testing::messages(check, "persist = \"x\"", "fn f() {}");
            assert_eq!(found.len(), errors, "{found:?}");
        }
    }

    #[test]
    fn what_does_not_fit() {
        refused("durability = \"os\"", "fn f() {}", "add `persist");
        refused("codec = a::Json", "fn f() {}", "add `persist");
        refused("persist = \"\", durability = \"os\"", "fn f() {}", "the path is empty");
        refused("weigh = f", "fn f() {}", "add `max_bytes");
        refused("max_bytes = self.max", "fn f(&self) {}", "leave `self` out");
        refused("key = a, skip(a)", "fn f(a: u32) {}", "leave `skip` out");
        refused("skip(bb)", "fn f(ab: u32, c: u32) {}", "did you mean `ab`?");
        refused("skip(zzz)", "fn f(&self, a: u32) {}", "there are `a`, `self`");
        refused("skip(b)", "fn f((a, b): (u32, u32)) {}", "part of a pattern");
        refused("skip(self)", "fn f(a: u32) {}", "no method");
        refused("cache_err", "fn f() {}", "leave `cache_err` out");
        refused("scope = \"thread\", persist = \"x\"", "fn f() {}", "leave `scope` out");
        refused("key = a", "fn f((a, _): (u8, impl Copy)) {}", "take it apart in the body");
        refused("ttl = self.ttl", "fn f(&self) {}", "leave `self` out");
        refused("companion = none", "#[track_caller] fn f(&self) {}", "drop `#[track_caller]`");
        refused("key = a", "#[track_caller] fn f((a, b): (u8, u8)) {}", "apart in the body");
        refused("", "#[memokit::memoize] fn f() {}", "memoized twice");
        refused("max = n as usize", "fn f(n: u32) {}", "leave the parameter `n` out");
        refused("persist = format!(\"a/{n:?}\")", "fn f(n: u32) {}", "leave the parameter `n` out");
        refused(
            "persist = \"~/cache\"",
            "fn f() {}",
            "home_dir().unwrap_or_default().join(\"cache\")",
        );
        refused("max_bytes = \"0\"", "fn f() {}", "leave `max_bytes` out");
        refused("max = \"0\"", "fn f() {}", "leave `max` out");
        refused("max = 4, shards = 8", "fn f() {}", "`shards = 4`");
        refused("max = 5, shards = 8", "fn f() {}", "`shards = 4`");
        refused("ttl = of(&config, 3)", "fn f(config: u32) {}", "the parameter `config`");
        refused("persist = \"x\"", "fn f() -> Option<&'static str> {}", "return an owned value");
    }
}

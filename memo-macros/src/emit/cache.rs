//! The expression that finds the cache.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use crate::emit::build_input;
use crate::emit::expansion::{Expansion, Item};
use crate::emit::fingerprint;
use crate::emit::generics::Named;
use crate::emit::hygiene::{first_span, local};
use crate::emit::key::names;
use crate::emit::settings::settings;
use crate::parse::arguments::Given;
use crate::parse::values::keyword::Scope;

/// The cache. A mistake in the result is reported under its type.
pub(super) fn cache(expansion: &Expansion<'_>, item: Item) -> TokenStream {
    let (origin, instance) = (origin(expansion), instance(expansion, item));
    let settings = settings(expansion);
    let find = match &expansion.args.scope {
        Some(Given { value: Scope::Thread, .. }) => quote!(local),
        Some(Given { value: Scope::Instance, .. }) => quote!(in_object),
        _ => quote!(cache),
    };
    let span = first_span(expansion.function.output());
    quote_spanned!(span=> __memokit::memo!(#find, #origin, #instance, #settings))
}

/// The cache as calls look into it: those of a function that stores its results first see what other processes have
/// removed. Those of a method whose objects have caches look into the object's.
pub(super) fn followed(expansion: &Expansion<'_>) -> TokenStream {
    let cache = cache(expansion, Item::Function);
    if let Some(field) = field(expansion) {
        return quote!(#cache.of(#field));
    }
    if expansion.args.persist.is_some() { quote!(#cache.followed()) } else { cache }
}

/// The handle of the cache, for a companion.
pub(super) fn handle(expansion: &Expansion<'_>) -> TokenStream {
    let (cache, names) = (cache(expansion, Item::Companion), names(expansion));
    if let Some(field) = field(expansion) {
        return quote!(#cache.of(#field).handle().named(&#names));
    }
    if !expansion.args.is_per_thread() {
        return quote!(#cache.handle().named(&#names));
    }
    quote!(__memokit::Memo::local(|| #cache.handle()).named(&#names))
}

/// The field with the cache of the object, if each object has one. A mistake in it is reported under `scope` or `cache`.
fn field(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let args = expansion.args;
    let scope = args.scope.as_ref().filter(|_| args.is_per_object())?;
    if let Some(given) = &args.cache {
        let field = &given.value;
        return Some(quote_spanned!(first_span(given.tokens.clone())=> &#field));
    }
    let this = expansion.function.receiver()?.self_token;
    Some(quote_spanned!(first_span(scope.tokens.clone())=> &#this.cache))
}

/// Which function it is: its name, the number of the expansion, and the fingerprint of the code.
fn origin(expansion: &Expansion<'_>) -> TokenStream {
    let (function, args) = (expansion.function, expansion.args);
    let own_name = format!("::{}", function.plain_name());
    let name = match &args.name {
        Some(given) => {
            let name = given.value.to_token_stream();
            quote!(named #name #own_name)
        }
        None => quote!(own #own_name),
    };
    let standing = standing(expansion);
    let number = Literal::u64_unsuffixed(expansion.number);
    let code = format!("{:#x}", fingerprint::of_code(function, args));
    let code: Literal = code.parse().expect("a number in hexadecimal is a literal");
    let counted = fingerprint::counted(function, args).into_iter();
    let inputs: TokenStream = counted.map(|(_, tokens)| build_input::calls(tokens)).collect();
    if inputs.is_empty() {
        return quote!(#name #standing, #number, #code);
    }
    quote!(#name #standing, #number, __memokit::Code::of(#code) #inputs .fingerprint())
}

/// Whether the function stands in an impl, for a function that stores its results.
fn standing(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let (function, args) = (expansion.function, expansion.args);
    if expansion.asks_where_it_stands() {
        let constant = expansion.sibling();
        return Some(quote!(beside #constant));
    }
    (args.is_stored() && args.in_impl(function)).then(|| quote!(in_impl))
}

/// Which instance of a generic function, or of a function in a generic impl, it is. Each instance has a cache. The
/// function finds it by the type of a closure, a companion by the types that both can name.
///
/// If the function's own parameters share one cache, both find it by the type of the companion `NAME_memo`, which has
/// only the parameters of what surrounds the function. If the companions of a function in the impl of a trait stand
/// elsewhere, both find it by the same type, with the function's own parameters.
fn instance(expansion: &Expansion<'_>, item: Item) -> TokenStream {
    if expansion.args.shares_instances() {
        let companion = companion(expansion);
        return quote!(shared(#companion));
    }
    if let Some(path) = expansion.args.companions_apart() {
        let companion = expansion.companion_name("memo");
        let named = Named::new(expansion.function, expansion.function.signature.clone());
        let own = named.turbofish();
        return quote!(shared(#path::#companion #own));
    }
    let generics = generics(expansion, item);
    match item {
        Item::Function if !expansion.args.has_companions() => quote!(without_companions()),
        Item::Function => quote!(function(#generics)),
        Item::Companion => quote!(companion(#generics)),
    }
}

/// The companion `NAME_memo`. Without `Self` it is named after a check that it is the function's own.
fn companion(expansion: &Expansion<'_>) -> TokenStream {
    let name = expansion.companion_name("memo");
    if let Some(path) = expansion.args.companions_apart() {
        return quote!(#path::#name);
    }
    if expansion.args.in_impl(expansion.function) {
        let this = expansion.self_type();
        return quote!(#this::#name);
    }
    let proof = expansion.sibling();
    quote!({ const _: bool = #proof; #name })
}

/// The types that both the function and its companions can name: `Self` and the function's type parameters.
fn generics(expansion: &Expansion<'_>, item: Item) -> Option<TokenStream> {
    let (function, args) = (expansion.function, expansion.args);
    let span = args.in_impl.as_ref().map_or_else(Span::call_site, |given| given.name.span());
    let this = (TokenStream::new(), quote_spanned!(span=> .self_type::<Self>()));
    let this = args.in_impl(function).then_some(this);
    let types = Named::new(function, function.signature.clone()).mark(item);
    let calls: Vec<_> = this.into_iter().chain(types).collect();
    if calls.is_empty() {
        return None;
    }
    if calls.iter().all(|(condition, _)| condition.is_empty()) {
        let calls = calls.iter().map(|(_, call)| call);
        return Some(quote!(.with(&|| __memokit::Generics::new() #(#calls)*)));
    }
    let generics = local("generics");
    let steps =
        calls.iter().map(|(condition, call)| quote!(#condition let #generics = #generics #call;));
    Some(quote!(.with(&|| { let #generics = __memokit::Generics::new(); #(#steps)* #generics })))
}

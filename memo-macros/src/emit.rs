//! From arguments and function to the function that looks into its cache first.

use proc_macro2::{Ident, Literal, Span as TokenSpan, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::FnArg;

use crate::args::{Args, Companion, Given, Span};
use crate::attributes;
use crate::fingerprint;
use crate::function::{Function, Parameter, Shape};

/// How the function gets to the body as written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Course {
    /// A call of `Self::NAME_uncached`, where `self` or `Self` shows that this is a name.
    Companion,
    /// A copy in a function inside: passes the caller on, and cannot see `Self`.
    Inner,
    /// A copy in a closure, which sees all that the function sees.
    Closure,
}

impl Course {
    pub(crate) fn of(function: &Function, args: &Args) -> Self {
        // The bindings of a pattern that a key is made of cannot be put together again.
        let bound_by_key =
            args.key.is_some() && function.parameters.iter().any(|p| p.shape == Shape::Pattern);
        let companions =
            !matches!(&args.companion, Some(given) if matches!(given.value, Companion::None));
        match (function.shows_self(), attributes::has(&function.attributes, "track_caller")) {
            (true, _) if companions && !bound_by_key => Self::Companion,
            (false, true) if !bound_by_key => Self::Inner,
            _ => Self::Closure,
        }
    }
}

/// Which item asks for the cache.
#[derive(Clone, Copy)]
pub(crate) enum Asking {
    Function,
    Companion,
}

/// Everything that the parts of one expansion are made of.
pub(crate) struct Plan<'a> {
    pub(crate) function: &'a Function,
    pub(crate) args: &'a Args,
    pub(crate) number: u64,
}

impl Plan<'_> {
    /// The path of the facade.
    pub(crate) fn facade(&self) -> TokenStream {
        match &self.args.krate {
            Some(given) => given.value.to_token_stream(),
            None => quote!(::memokit),
        }
    }

    /// The name of a companion, or none where there are to be none.
    pub(crate) fn companion(&self, suffix: &str) -> Option<Ident> {
        let stem = match &self.args.companion {
            Some(Given { value: Companion::None, .. }) => return None,
            Some(Given { value: Companion::Stem(stem), .. }) => stem,
            None => self.function.name(),
        };
        Some(format_ident!("{stem}_{suffix}", span = self.function.name().span()))
    }

    /// The annotated function.
    pub(crate) fn function(&self) -> TokenStream {
        let course = Course::of(self.function, self.args);
        let attributes = attributes::without_expectations(&self.function.attributes);
        let visibility = &self.function.visibility;
        let mut signature = self.function.signature(self.args.key.is_some());
        if let (Course::Companion, Some(FnArg::Receiver(receiver))) =
            (course, signature.inputs.first_mut())
        {
            receiver.mutability = None;
        }
        let facade = self.facade();
        let (site, memo, key) = (self.site(), self.memo(Asking::Function), self.key());
        let (answer, value, turn) = (local("answer"), local("value"), local("turn"));
        let computed = self.computed(course);
        let look_up = match &self.args.verify {
            Some(given) => {
                let share = &given.value;
                quote!(lookup_or_verify(&#key, #share))
            }
            None => quote!(lookup(&#key)),
        };
        let keep = match &self.args.cache_if {
            Some(cache_if) => {
                let cache_if = &cache_if.value;
                quote!(keep_if(#computed, #cache_if))
            }
            None => quote!(keep(#computed)),
        };
        // The answer is a statement of its own, so that what `key` borrows or locks is let go
        // before the body runs.
        quote! {
            #attributes
            #visibility #signature {
                let #answer = {
                    #site
                    #memo.#look_up
                };
                match #answer {
                    #facade::__private::Answer::Hit(#value) => #value,
                    #facade::__private::Answer::Miss(#turn) => #turn.#keep,
                }
            }
        }
    }

    /// The static of the function, in a block of which nothing is seen by the body.
    pub(crate) fn site(&self) -> TokenStream {
        let facade = self.facade();
        let name = match &self.args.name {
            Some(given) => {
                let name = given.value.to_token_stream();
                quote!(named #name)
            }
            None => {
                let name = format!("::{}", self.function.plain_name());
                quote!(own #name)
            }
        };
        let number = Literal::u64_suffixed(self.number);
        let code = Literal::u128_suffixed(fingerprint::of_code(self.function, self.args));
        let settings = self.settings();
        quote! {
            use #facade::__private::{self as __memokit, probe::*};
            __memokit::site! {
                __MEMOKIT_SITE, #name, #number, #code, __memokit::Settings::new() #settings
            }
        }
    }

    /// The cache at the site, with the way in which results are kept.
    pub(crate) fn memo(&self, asking: Asking) -> TokenStream {
        let instance = self.instance(asking);
        let output = self.function.output();
        let choice = match &self.args.cache_err {
            Some(_) => quote!(__memokit::keep!(errors #output)),
            None => quote!(__memokit::keep!(#output)),
        };
        let choice = match (&self.args.persist, &self.args.codec) {
            (Some(_), Some(Given { value: codec, .. })) => {
                quote!(__memokit::persisted_by::<#codec, _, _, _>(#choice))
            }
            (Some(_), None) => quote!(__memokit::persisted(#choice)),
            (None, _) => choice,
        };
        quote!(__memokit::Site::memo(&__MEMOKIT_SITE, #instance, #choice))
    }

    /// In a generic impl each instance has a cache. It is told by the type of a closure, and to a companion by `Self`.
    fn instance(&self, asking: Asking) -> TokenStream {
        let alone = matches!(&self.args.companion, Some(Given { value: Companion::None, .. }));
        let instance = match asking {
            Asking::Function if alone => quote!(__memokit::Instance::alone(&|| ())),
            Asking::Function => quote!(__memokit::Instance::within(&|| ())),
            Asking::Companion => quote!(__memokit::Instance::beside(&|| ())),
        };
        let this = (self.function.shows_self() && !alone).then(|| quote!(.of::<Self>()));
        quote!(#instance #this)
    }

    fn settings(&self) -> TokenStream {
        let max = self.args.max.as_ref().map(|given| {
            let max = &given.value;
            quote!(.max(#max))
        });
        let ttl = self.args.ttl.as_ref().map(|given| match &given.value {
            Span::Expression(ttl) => quote!(.ttl(#ttl)),
            Span::Text(ttl) => {
                let millis = millis(*ttl);
                quote!(.ttl(__memokit::Duration::from_millis(#millis)))
            }
        });
        let error_ttl = self.args.cache_err.as_ref().and_then(|given| given.value).map(|ttl| {
            let millis = millis(ttl);
            quote!(.error_ttl(__memokit::Duration::from_millis(#millis)))
        });
        let persist = self.args.persist.as_ref().map(|given| {
            let directory = &given.value;
            let durability = match &self.args.durability {
                Some(given) => given.value.clone(),
                None => Ident::new("Interval", TokenSpan::mixed_site()),
            };
            quote!(.persist(#directory, __memokit::Durability::#durability))
        });
        let version = self.args.version.as_ref().map(|given| {
            let version = &given.value;
            quote!(.version(#version))
        });
        quote!(#max #ttl #error_ttl #persist #version)
    }

    /// The key as nested pairs, each element where its parameter stands.
    pub(crate) fn key(&self) -> TokenStream {
        if let Some(given) = &self.args.key {
            let element = element(&given.value);
            return quote!((#element, ()));
        }
        let parameters: Vec<&Parameter> = self
            .function
            .parameters
            .iter()
            .filter(|parameter| !self.skips(&parameter.name))
            .collect();
        let elements = parameters.iter().map(|p| (p.condition(), element(&p.name)));
        let this = self.function.receiver().map(|receiver| receiver.self_token);
        let this = this.filter(|this| !self.skips(&Ident::new("self", this.span)));
        let this = this.map(|this| (TokenStream::new(), element(&this)));
        let elements: Vec<_> = this.into_iter().chain(elements).collect();
        if parameters.iter().any(|parameter| parameter.conditional()) {
            return built_up(&elements);
        }
        let end = quote!(());
        elements.iter().rev().fold(end, |rest, (_, element)| quote!((#element, #rest)))
    }

    fn skips(&self, name: &Ident) -> bool {
        self.args.skip.as_ref().is_some_and(|skip| skip.value.contains(name))
    }

    /// The expression that runs the body.
    fn computed(&self, course: Course) -> TokenStream {
        let function = self.function;
        let arguments = function.arguments();
        match course {
            Course::Companion => {
                let uncached = self.companion("uncached");
                self.call(quote!(Self::#uncached(#arguments)))
            }
            Course::Inner => {
                let mut signature = function.signature.clone();
                signature.ident = format_ident!("__memokit_{}", function.plain_name());
                let (name, body) = (&signature.ident, &function.body);
                let attributes = attributes::of_body(&function.attributes);
                let call = self.call(quote!(#name(#arguments)));
                quote!({ #attributes #signature #body #call })
            }
            Course::Closure => {
                let output = function.output();
                let bindings = function.parameters.iter().filter_map(|p| self.binding(p));
                let body = function.body.stream();
                quote!((move || -> #output { #(#bindings)* #body })())
            }
        }
    }

    fn call(&self, call: TokenStream) -> TokenStream {
        match self.function.signature.safety {
            syn::Safety::Unsafe(_) => quote!(unsafe { #call }),
            _ => call,
        }
    }

    /// Binds a parameter as it was written, where the function has it under a plain name.
    fn binding(&self, parameter: &Parameter) -> Option<TokenStream> {
        let rebound = match parameter.shape {
            Shape::Plain => false,
            Shape::Mutable => true,
            Shape::Pattern => self.args.key.is_none(),
        };
        let (condition, name) = (parameter.condition(), &parameter.name);
        let pattern = &parameter.typed.pat;
        rebound.then(|| quote!(#condition let #pattern = #name;))
    }
}

/// Parameters behind a `cfg` make a key whose length is known only after expansion.
fn built_up(elements: &[(TokenStream, TokenStream)]) -> TokenStream {
    let key = local("key");
    let steps = elements
        .iter()
        .rev()
        .map(|(condition, element)| quote!(#condition let #key = (#element, #key);));
    quote!({ let #key = (); #(#steps)* #key })
}

fn element(argument: &(impl ToTokens + ?Sized)) -> TokenStream {
    let span = first_span(argument.to_token_stream());
    quote_spanned!(span=> __memokit::element!(#argument))
}

/// Where tokens stand, with the names of an expansion.
fn first_span(tokens: TokenStream) -> TokenSpan {
    let first = tokens.into_iter().next();
    let span = first.map_or_else(TokenSpan::call_site, |token: TokenTree| token.span());
    TokenSpan::mixed_site().located_at(span)
}

/// A local of the expansion. The prefix keeps it from a user's static or constant, to which the
/// hygiene of locals does not extend.
fn local(name: &str) -> Ident {
    Ident::new(&format!("__memokit_{name}"), TokenSpan::mixed_site())
}

fn millis(time: std::time::Duration) -> Literal {
    let millis = u64::try_from(time.as_millis()).expect("durations are counted in u64 millis");
    Literal::u64_suffixed(millis)
}

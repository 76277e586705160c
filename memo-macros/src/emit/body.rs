//! From arguments and function to the function that looks into its cache first.

use proc_macro2::{Ident, Literal, Span as TokenSpan, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::FnArg;

use crate::emit::attributes;
use crate::emit::fingerprint;
use crate::emit::generics;
use crate::parse::arguments::{Args, Companion, Given};
use crate::parse::function::{Function, Parameter, Shape, used_underscore};
use crate::syntax::type_walk::{Found, walk};

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
        match (args.in_impl(function), attributes::has(&function.attributes, "track_caller")) {
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

    /// `Self`, under the word that says that there is one.
    pub(crate) fn this(&self) -> TokenStream {
        match &self.args.in_impl {
            Some(given) => quote_spanned!(given.name.span()=> <Self>),
            None => quote!(Self),
        }
    }

    /// The annotated function.
    pub(crate) fn function(&self) -> TokenStream {
        if self.function.signature.asyncness.is_some() {
            return self.task();
        }
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
        let (memo, key) = (self.memo(Asking::Function), self.key(Asking::Function));
        let (names, lint, braces) = (self.names(), self.lint(), self.function.given_braces());
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
                let (cache_if, span) = (&cache_if.value, first_span(cache_if.tokens.clone()));
                quote_spanned!(span=> keep_if(#computed, #cache_if))
            }
            None => quote!(keep(#computed)),
        };
        // The answer is a statement of its own, so that what `key` borrows or locks is let go
        // before the body runs.
        quote! {
            #attributes
            #braces
            #visibility #signature {
                #lint
                let #answer = {
                    #names
                    #memo.#look_up
                };
                match #answer {
                    #facade::__private::Answer::Hit(#value) => #value.give(),
                    #facade::__private::Answer::Miss(#turn) => #turn.#keep,
                }
            }
        }
    }

    /// What the lookup, which names all parameters, is not to be blamed for.
    pub(crate) fn lint(&self) -> Option<TokenStream> {
        self.function.parameters.iter().any(Parameter::is_underscored).then(used_underscore)
    }

    /// The names that an expansion uses, for a block of which nothing is seen by the body.
    pub(crate) fn names(&self) -> TokenStream {
        let facade = self.facade();
        quote!(use #facade::__private::{self as __memokit, probe::*};)
    }

    /// Which function it is, as the runtime tells it from all others.
    pub(crate) fn origin(&self) -> TokenStream {
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
        let number = Literal::u64_unsuffixed(self.number);
        let code = format!("{:#x}", fingerprint::of_code(self.function, self.args));
        let code: Literal = code.parse().expect("a number in hexadecimal is a literal");
        quote!(#name, #number, #code)
    }

    /// The key as nested pairs, each element where its parameter stands.
    pub(crate) fn key(&self, asking: Asking) -> TokenStream {
        if let Some(given) = &self.args.key {
            let value = &given.value;
            let element = element(asking, value, &quote!(key: #value));
            return quote!((#element, ()));
        }
        let parameters: Vec<&Parameter> = self
            .function
            .parameters
            .iter()
            .filter(|parameter| !self.skips(&parameter.name))
            .collect();
        let elements =
            parameters.iter().map(|p| (p.condition(), element(asking, &p.name, &p.name)));
        let this = self.function.receiver().map(|receiver| receiver.self_token);
        let this = this.filter(|this| !self.skips(&Ident::new("self", this.span)));
        let this =
            this.map(|this| (TokenStream::new(), element(asking, &this, &quote!(self: #this))));
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
                let generics = self.function.named(self.function.signature.clone()).turbofish();
                let this = self.this();
                self.call(quote!(#this::#uncached #generics(#arguments)))
            }
            Course::Inner => {
                let mut signature = function.signature.clone();
                signature.ident = format_ident!("__memokit_{}", function.plain_name());
                let (name, body) = (&signature.ident, &function.body);
                let attributes = attributes::of_body(&function.attributes);
                let generics = generics::turbofish(&signature.generics, 0);
                let call = self.call(quote!(#name #generics(#arguments)));
                quote!({ #attributes #signature #body #call })
            }
            Course::Closure => self.copy(Asking::Function),
        }
    }

    /// A closure with the body, called. What has a type that can be written is a parameter of it, since rustc speaks
    /// of parameters as it would in a function, and of what is captured otherwise.
    pub(crate) fn copy(&self, asking: Asking) -> TokenStream {
        let (function, output) = (self.function, self.function.output());
        let body = &function.body;
        let (passed, captured): (Vec<_>, Vec<_>) =
            function.parameters.iter().partition(|parameter| self.is_passed(parameter));
        let arguments = passed.iter().map(|parameter| {
            // Where a use of it by the body would be.
            let at = body.span().resolved_at(parameter.name.span());
            let (condition, mut name) = (parameter.condition(), parameter.name.clone());
            name.set_span(at);
            let lint = parameter.is_underscored().then(used_underscore);
            quote!(#condition #lint #name)
        });
        let arguments: Vec<_> = arguments.collect();
        let parameters = passed.iter().map(|parameter| {
            let typed = self.typed(parameter);
            // It has the name of the function's own.
            let lint = parameter.shape != Shape::Pattern && matches!(asking, Asking::Function);
            let lint = lint.then(|| quote!(#[allow(clippy::shadow_reuse)]));
            quote!(#lint #typed)
        });
        let parameters: Vec<_> = parameters.collect();
        let bindings = captured.iter().filter_map(|parameter| self.binding(parameter));
        let bindings: TokenStream = bindings.collect();
        let body = if bindings.is_empty() {
            body.to_token_stream()
        } else {
            let body = body.stream();
            quote!({ #bindings #body })
        };
        // As if the closure were the function, to rustc.
        let head = quote_spanned!(function.signature.fn_token.span=> move |#(#parameters),*| ->);
        quote!((#head #output #body)(#(#arguments),*))
    }

    /// A parameter as written. What the key is made of is used, if not by the body.
    pub(crate) fn typed(&self, parameter: &Parameter) -> syn::PatType {
        let mut typed = parameter.typed.clone();
        if self.is_named_by_key(parameter) {
            typed.attrs.push(syn::parse_quote!(#[allow(unused_variables)]));
        }
        typed
    }

    pub(crate) fn is_named_by_key(&self, parameter: &Parameter) -> bool {
        let key = self.args.key.as_ref();
        key.is_some_and(|key| generics::occurs(key.tokens.clone(), &parameter.name))
    }

    /// Not where the key takes the pattern apart, and not where the type has no name.
    fn is_passed(&self, parameter: &Parameter) -> bool {
        let mut opaque = false;
        walk(&parameter.typed.ty, &mut |found| opaque |= matches!(found, Found::Opaque(_)));
        let taken_apart = parameter.shape == Shape::Pattern && self.args.key.is_some();
        !opaque && !taken_apart
    }

    pub(crate) fn call(&self, call: TokenStream) -> TokenStream {
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
        rebound.then(|| {
            quote! {
                #condition
                #[allow(clippy::ignored_unit_patterns)]
                let #pattern = #name;
            }
        })
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

/// An element of the key. What is wrong with it is reported under it, once.
fn element(asking: Asking, value: &impl ToTokens, named: &impl ToTokens) -> TokenStream {
    let span = first_span(value.to_token_stream());
    match asking {
        Asking::Function => quote_spanned!(span=> __memokit::element!(#named)),
        Asking::Companion => quote_spanned!(span=> __memokit::quiet!(#value)),
    }
}

/// Where tokens stand, with the names of an expansion.
pub(crate) fn first_span(tokens: TokenStream) -> TokenSpan {
    let first = tokens.into_iter().next();
    let span = first.map_or_else(TokenSpan::call_site, |token: TokenTree| token.span());
    TokenSpan::mixed_site().located_at(span)
}

/// A local of the expansion. The prefix keeps it from a user's static or constant, to which the
/// hygiene of locals does not extend.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__memokit_{name}"), TokenSpan::mixed_site())
}

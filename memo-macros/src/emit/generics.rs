//! A function's type parameters as its companions have them, where an `impl Trait` has a name.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, Generics, PathArguments, Signature, Type,
    TypeParam, TypeParamBound,
};

use crate::emit::body::Asking;
use crate::parse::function::{Function, Parameter};
use crate::syntax::format_string::in_format;

/// A signature with a type parameter for each `impl Trait`.
pub(crate) struct Named<'a> {
    pub(crate) signature: Signature,
    /// The parameters whose types had an `impl Trait`, with their types now.
    opaque: Vec<(&'a Parameter, Type)>,
    /// How many type parameters were made up.
    made_up: usize,
}

impl Function {
    /// This signature of the function's parameters, with a name for each type.
    pub(crate) fn named(&self, mut signature: Signature) -> Named<'_> {
        let mut names = Names { taken: signature.to_token_stream(), made_up: Vec::new() };
        let mut opaque = Vec::new();
        let typed = signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        for (typed, parameter) in typed.zip(&self.parameters) {
            let before = names.made_up.len();
            let place = Place { parameter, conditions: parameter.conditions().cloned().collect() };
            names.name(&mut typed.ty, &place);
            if names.made_up.len() > before {
                opaque.push((parameter, (*typed.ty).clone()));
            }
        }
        let made_up = names.made_up.len();
        signature.generics.params.extend(names.made_up.into_iter().map(GenericParam::Type));
        Named { signature, opaque, made_up }
    }
}

impl Named<'_> {
    /// Calls that add to a mark what tells the function's instances apart: its type parameters, of which those that
    /// have no name in the function are told by its arguments.
    pub(crate) fn mark(&self, asking: Asking) -> Vec<(TokenStream, TokenStream)> {
        let types = self.signature.generics.type_params().count() - self.made_up;
        let written = self.signature.generics.type_params().take(types).map(|param| {
            let name = &param.ident;
            (TokenStream::new(), quote!(.of::<#name>()))
        });
        let opaque = self.opaque.iter().map(|(parameter, ty)| {
            let name = &parameter.name;
            let call = match asking {
                Asking::Function => quote!(.of_value(&#name)),
                Asking::Companion => quote!(.of::<#ty>()),
            };
            (parameter.condition(), call)
        });
        written.chain(opaque).collect()
    }

    /// The type parameters of a companion that has no arguments, with the where clause.
    pub(crate) fn of_a_handle(&self) -> Generics {
        let generics = &self.signature.generics;
        let all_lifetimes = generics.params.iter().all(|p| matches!(p, GenericParam::Lifetime(_)));
        if all_lifetimes { Generics::default() } else { generics.clone() }
    }

    /// The type arguments with which the function calls its companion; none where their number is not known.
    pub(crate) fn turbofish(&self) -> TokenStream {
        if self.opaque.iter().any(|(parameter, _)| parameter.conditional()) {
            return TokenStream::new();
        }
        turbofish(&self.signature.generics, self.made_up)
    }
}

/// `::<T, N, _>`: type and const parameters, the last of them inferred.
pub(crate) fn turbofish(generics: &Generics, inferred: usize) -> TokenStream {
    let names = generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return TokenStream::new();
    }
    let written = &names[..names.len() - inferred];
    let inferred = (0..inferred).map(|_| quote!(_));
    let all = written.iter().map(|name| quote!(#name)).chain(inferred);
    quote!(::<#(#all),*>)
}

/// Type parameters made up for `impl Trait`.
struct Names {
    /// Tokens among which a new name must not be.
    taken: TokenStream,
    made_up: Vec<TypeParam>,
}

struct Place<'a> {
    parameter: &'a Parameter,
    conditions: Vec<Attribute>,
}

impl Names {
    /// Puts a name in the place of each `impl Trait` in `ty`.
    fn name(&mut self, ty: &mut Type, place: &Place<'_>) {
        match ty {
            Type::Array(array) => self.name(&mut array.elem, place),
            Type::Slice(slice) => self.name(&mut slice.elem, place),
            Type::Group(group) => self.name(&mut group.elem, place),
            Type::Paren(paren) => self.name(&mut paren.elem, place),
            Type::Ptr(pointer) => self.name(&mut pointer.elem, place),
            Type::Reference(reference) => self.name(&mut reference.elem, place),
            Type::Tuple(tuple) => {
                tuple.elems.iter_mut().for_each(|elem| self.name(elem, place));
            }
            Type::Path(path) => self.path(&mut path.path, place),
            Type::TraitObject(object) => self.bounds(object.bounds.iter_mut(), place),
            Type::ImplTrait(opaque) => {
                self.bounds(opaque.bounds.iter_mut(), place);
                let name = self.new_name(place.parameter);
                let (attributes, bounds) = (&place.conditions, &opaque.bounds);
                self.made_up.push(syn::parse_quote!(#(#attributes)* #name: #bounds));
                *ty = syn::parse_quote!(#name);
            }
            _ => {}
        }
    }

    fn path(&mut self, path: &mut syn::Path, place: &Place<'_>) {
        for segment in &mut path.segments {
            let PathArguments::AngleBracketed(list) = &mut segment.arguments else { continue };
            for argument in &mut list.args {
                match argument {
                    GenericArgument::Type(ty) => self.name(ty, place),
                    GenericArgument::AssocType(assoc) => self.name(&mut assoc.ty, place),
                    _ => {}
                }
            }
        }
    }

    fn bounds<'b>(
        &mut self,
        bounds: impl Iterator<Item = &'b mut TypeParamBound>,
        place: &Place<'_>,
    ) {
        for bound in bounds {
            if let TypeParamBound::Trait(bound) = bound {
                self.path(&mut bound.path, place);
            }
        }
    }

    /// `ImplShortNames` for `short_names`.
    fn new_name(&self, parameter: &Parameter) -> Ident {
        let words = parameter.name.to_string();
        let words = words.trim_start_matches("r#").split('_');
        let camel: String = words.map(capitalized).collect();
        let mut name = format_ident!("Impl{camel}");
        let taken = |name: &Ident| {
            self.made_up.iter().any(|made_up| made_up.ident == *name)
                || occurs(self.taken.clone(), name)
        };
        for number in 2.. {
            if !taken(&name) {
                break;
            }
            name = format_ident!("Impl{camel}{number}");
        }
        name
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// Whether a word occurs in tokens, be it in a text that may be a format.
pub(crate) fn occurs(tokens: TokenStream, word: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *word,
        TokenTree::Group(group) => occurs(group.stream(), word),
        TokenTree::Literal(literal) => in_format(&literal).contains(word),
        TokenTree::Punct(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (String, String) {
        let function: Function = syn::parse_str(text).unwrap();
        let named = function.named(function.signature.clone());
        (dense(&named.signature.to_token_stream()), dense(&named.turbofish()))
    }

    /// As text, in which it does not matter what was written with a space.
    fn dense(tokens: &TokenStream) -> String {
        tokens.to_string().replace(' ', "")
    }

    #[track_caller]
    fn becomes(text: &str, signature: &TokenStream, turbofish: &TokenStream) {
        assert_eq!(named(text), (dense(signature), dense(turbofish)), "{text}");
    }

    #[test]
    fn a_name_for_each_opaque_type() {
        becomes("fn f<'a>(a: &'a str) {}", &quote!(fn f<'a>(a: &'a str)), &quote!());
        becomes(
            "fn f<'a, T, const N: usize>(a: [T; N], text: &impl AsRef<str>) {}",
            &quote!(fn f<'a, T, const N: usize, ImplText: AsRef<str>>(a: [T; N], text: &ImplText)),
            &quote!(::<T, N, _>),
        );
        becomes(
            "fn f(&self, two_of: (impl Fn(u8) -> u8 + Copy, impl Iterator<Item = impl Eq>)) {}",
            &quote!(
                fn f<
                    ImplTwoOf: Fn(u8) -> u8 + Copy,
                    ImplTwoOf2: Eq,
                    ImplTwoOf3: Iterator<Item = ImplTwoOf2>
                >(&self, two_of: (ImplTwoOf, ImplTwoOf3))
            ),
            &quote!(::<_, _, _>),
        );
    }

    #[test]
    fn no_name_that_is_there_already() {
        becomes(
            "fn f<ImplA>(a: impl Into<ImplA>) {}",
            &quote!(fn f<ImplA, ImplA2: Into<ImplA>>(a: ImplA2)),
            &quote!(::<ImplA, _>),
        );
    }

    #[test]
    fn parameters_behind_a_condition() {
        becomes(
            "fn f<T>(#[cfg(unix)] a: impl Into<T>) {}",
            &quote!(fn f<T, #[cfg(unix)] ImplA: Into<T>>(#[cfg(unix)] a: ImplA)),
            &quote!(),
        );
    }
}

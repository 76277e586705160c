//! The type parameters of companions, in which an `impl Trait` has a name.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, Generics, PathArguments, Signature, Type,
    TypeParam, TypeParamBound, WherePredicate,
};

use crate::emit::expansion::Item;
use crate::parse::function::Function;
use crate::parse::parameter::Parameter;
use crate::syntax::tokens::mentions;

/// A signature that has a type parameter in place of each `impl Trait`.
pub(super) struct Named<'a> {
    pub(super) signature: Signature,
    /// The parameters whose types had an `impl Trait`, with the types that name it.
    opaque: Vec<(&'a Parameter, Type)>,
    /// The number of type parameters that were added.
    added: usize,
}

impl<'a> Named<'a> {
    /// Names the types in a signature that has the parameters of the function.
    pub(super) fn new(function: &'a Function, mut signature: Signature) -> Self {
        let mut names = Names { taken: signature.to_token_stream(), added: Vec::new() };
        let mut opaque = Vec::new();
        let typed = signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        for (typed, parameter) in typed.zip(&function.parameters) {
            let before = names.added.len();
            let owner = Owner { parameter, conditions: parameter.conditions().cloned().collect() };
            names.name(&mut typed.ty, &owner);
            if names.added.len() > before {
                opaque.push((parameter, (*typed.ty).clone()));
            }
        }
        let added = names.added.len();
        signature.generics.params.extend(names.added.into_iter().map(GenericParam::Type));
        Named { signature, opaque, added }
    }

    /// Calls that add to a mark the types that tell instances of the function apart: its type parameters. One that
    /// has no name in the function is found through the argument's value.
    pub(super) fn mark(&self, item: Item) -> Vec<(TokenStream, TokenStream)> {
        let types = self.signature.generics.type_params().count() - self.added;
        let written = self.signature.generics.type_params().take(types).map(|param| {
            let name = &param.ident;
            (TokenStream::new(), quote!(.parameter::<#name>()))
        });
        let opaque = self.opaque.iter().map(|(parameter, ty)| {
            let name = &parameter.name;
            let call = match item {
                Item::Function => quote!(.argument(&#name)),
                Item::Companion => quote!(.parameter::<#ty>()),
            };
            (parameter.condition(), call)
        });
        written.chain(opaque).collect()
    }

    /// The generics of a companion without arguments, with the where clause.
    pub(super) fn of_a_handle(&self) -> Generics {
        let generics = &self.signature.generics;
        let all_lifetimes = generics.params.iter().all(|p| matches!(p, GenericParam::Lifetime(_)));
        if all_lifetimes { Generics::default() } else { generics.clone() }
    }

    /// The type arguments with which the function calls its companion. None if a `cfg` makes their number unknown.
    pub(super) fn turbofish(&self) -> TokenStream {
        if self.opaque.iter().any(|(parameter, _)| parameter.is_conditional()) {
            return TokenStream::new();
        }
        turbofish(&self.signature.generics, self.added)
    }
}

/// `::<T, N, _>`: the type and const parameters. The last `inferred` ones are `_`.
pub(super) fn turbofish(generics: &Generics, inferred: usize) -> TokenStream {
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

/// Removes the parameters that only `removed` inputs need, and the predicates about them. What no input needs stays,
/// since a caller names it.
pub(super) fn keep_used(generics: &mut Generics, kept: &TokenStream, removed: TokenStream) {
    let clause = generics.where_clause.as_ref();
    let predicates: Vec<_> =
        clause.into_iter().flat_map(|clause| &clause.predicates).cloned().collect();
    let params: Vec<GenericParam> = generics.params.iter().cloned().collect();
    let needed_by_removed = needed(&params, &predicates, removed);
    let named = params.iter().filter(|param| !needed_by_removed.contains(name_of(param)));
    let used = needed(&params, &predicates, quote!(#kept #(#named)*));
    generics.params =
        params.iter().filter(|param| used.contains(name_of(param))).cloned().collect();
    if let Some(clause) = &mut generics.where_clause {
        let unused = |param: &&GenericParam| !used.contains(name_of(param));
        let unused: Vec<_> = params.iter().filter(unused).map(name_of).collect();
        let is_kept = |predicate: &WherePredicate| {
            !unused.iter().any(|name| mentions(predicate.to_token_stream(), name))
        };
        clause.predicates = predicates.into_iter().filter(is_kept).collect();
    }
}

/// The generics of a companion without arguments, if the function's own parameters share one cache. What is left is the
/// where clause, as far as it is about what surrounds the function.
pub(super) fn without_own_parameters(signature: &Signature) -> Generics {
    let mut generics = signature.generics.clone();
    keep_used(&mut generics, &TokenStream::new(), signature.inputs.to_token_stream());
    generics
}

/// The names of the parameters that `tokens` mention, and those that the bounds of these mention, and so on.
fn needed(
    params: &[GenericParam],
    predicates: &[WherePredicate],
    mut tokens: TokenStream,
) -> Vec<Ident> {
    let mut needed: Vec<Ident> = Vec::new();
    loop {
        let is_new = |param: &&GenericParam| {
            let name = name_of(param);
            !needed.contains(name) && mentions(tokens.clone(), name)
        };
        let Some(param) = params.iter().find(is_new) else { return needed };
        let about = predicates.iter().filter(|predicate| is_about(predicate, name_of(param)));
        tokens = quote!(#tokens #param #(#about)*);
        needed.push(name_of(param).clone());
    }
}

fn name_of(param: &GenericParam) -> &Ident {
    match param {
        GenericParam::Type(param) => &param.ident,
        GenericParam::Const(param) => &param.ident,
        GenericParam::Lifetime(param) => &param.lifetime.ident,
    }
}

/// Whether a predicate bounds a type that mentions this parameter.
fn is_about(predicate: &WherePredicate, name: &Ident) -> bool {
    match predicate {
        WherePredicate::Type(predicate) => mentions(predicate.bounded_ty.to_token_stream(), name),
        _ => false,
    }
}

/// The type parameters that stand for `impl Trait`.
struct Names {
    /// A new name must not occur in these tokens.
    taken: TokenStream,
    added: Vec<TypeParam>,
}

/// The parameter whose type is searched.
struct Owner<'a> {
    parameter: &'a Parameter,
    conditions: Vec<Attribute>,
}

impl Names {
    /// Replaces each `impl Trait` in `ty` by a new type parameter.
    fn name(&mut self, ty: &mut Type, owner: &Owner<'_>) {
        match ty {
            Type::Array(array) => self.name(&mut array.elem, owner),
            Type::Slice(slice) => self.name(&mut slice.elem, owner),
            Type::Group(group) => self.name(&mut group.elem, owner),
            Type::Paren(paren) => self.name(&mut paren.elem, owner),
            Type::Ptr(pointer) => self.name(&mut pointer.elem, owner),
            Type::Reference(reference) => self.name(&mut reference.elem, owner),
            Type::Tuple(tuple) => {
                tuple.elems.iter_mut().for_each(|elem| self.name(elem, owner));
            }
            Type::Path(path) => self.path(&mut path.path, owner),
            Type::TraitObject(object) => self.bounds(object.bounds.iter_mut(), owner),
            Type::ImplTrait(opaque) => {
                self.bounds(opaque.bounds.iter_mut(), owner);
                let name = self.new_name(owner.parameter);
                let (attributes, bounds) = (&owner.conditions, &opaque.bounds);
                self.added.push(syn::parse_quote!(#(#attributes)* #name: #bounds));
                *ty = syn::parse_quote!(#name);
            }
            _ => {}
        }
    }

    fn path(&mut self, path: &mut syn::Path, owner: &Owner<'_>) {
        for segment in &mut path.segments {
            let PathArguments::AngleBracketed(list) = &mut segment.arguments else { continue };
            for argument in &mut list.args {
                match argument {
                    GenericArgument::Type(ty) => self.name(ty, owner),
                    GenericArgument::AssocType(assoc) => self.name(&mut assoc.ty, owner),
                    _ => {}
                }
            }
        }
    }

    fn bounds<'b>(
        &mut self,
        bounds: impl Iterator<Item = &'b mut TypeParamBound>,
        owner: &Owner<'_>,
    ) {
        for bound in bounds {
            if let TypeParamBound::Trait(bound) = bound {
                self.path(&mut bound.path, owner);
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
            self.added.iter().any(|added| added.ident == *name)
                || mentions(self.taken.clone(), name)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (String, String) {
        let function: Function = syn::parse_str(text).unwrap();
        let named = Named::new(&function, function.signature.clone());
        (dense(&named.signature.to_token_stream()), dense(&named.turbofish()))
    }

    /// As text without spaces, so that spacing does not matter.
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
    fn only_the_generics_that_are_used_stay() {
        let signature: Signature = syn::parse_quote! {
            fn f<'a, 'other, T: Get<U>, U, V: AsRef<T>, W, Z, const N: usize, const M: usize>(
                a: &'a T, b: [u8; N], c: &'other W, d: [V; M]
            ) where T: Clone, U: From<X>, X: Into<U>, W: Copy, V: From<U>
        };
        let mut generics = signature.generics;
        keep_used(
            &mut generics,
            &quote!(a: &'a T, b: [u8; N]),
            quote!(c: &'other W, d: [V; M], e: U),
        );
        let clause = &generics.where_clause;
        assert_eq!(
            dense(&quote!(#generics #clause)),
            dense(
                &quote!(<'a, T: Get<U>, U, Z, const N: usize> where T: Clone, U: From<X>, X: Into<U>)
            )
        );
    }

    #[test]
    fn a_new_name_is_not_taken_yet() {
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

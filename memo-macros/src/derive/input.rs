//! A type to weigh: its variants, and those of their fields that count.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Fields, Generics, Item, Member, Path, Type};

use crate::errors::Errors;

/// A struct or an enum. A struct is its own only variant.
pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    /// The path of the facade, if it is given.
    pub(crate) facade: Option<Path>,
    pub(crate) variants: Vec<Variant>,
}

pub(crate) struct Variant {
    /// The path of the constructor.
    pub(crate) constructor: TokenStream,
    /// The fields whose contents count.
    pub(crate) fields: Vec<(Member, Type)>,
}

impl Input {
    /// Reads a type. What is wrong with it is reported to `errors`.
    pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> Option<Self> {
        match errors.take(syn::parse2(item))? {
            Item::Struct(item) => {
                let facade = facade(&item.attrs, errors);
                let fields = counted(&item.fields, errors);
                let variants = vec![Variant { constructor: quote!(Self), fields }];
                Some(Self { name: item.ident, generics: item.generics, facade, variants })
            }
            Item::Enum(item) => {
                let facade = facade(&item.attrs, errors);
                let variants = item.variants.iter().map(|variant| {
                    own_attributes(&variant.attrs).for_each(|attribute| {
                        errors.at(attribute, "`#[weigh(...)]` goes on a field of the variant");
                    });
                    let name = &variant.ident;
                    let fields = counted(&variant.fields, errors);
                    Variant { constructor: quote!(Self::#name), fields }
                });
                let variants = variants.collect();
                Some(Self { name: item.ident, generics: item.generics, facade, variants })
            }
            Item::Union(item) => {
                errors.at(
                    item.union_token,
                    "a union does not show which of its fields it holds: implement `memokit::Weigh` by hand",
                );
                let facade = facade(&item.attrs, errors);
                let variants = Vec::new();
                Some(Self { name: item.ident, generics: item.generics, facade, variants })
            }
            other => {
                errors.at(other, "`Weigh` is derived for a struct or an enum");
                None
            }
        }
    }
}

fn own_attributes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("weigh"))
}

/// The fields, without those under `#[weigh(shallow)]`.
fn counted(fields: &Fields, errors: &mut Errors) -> Vec<(Member, Type)> {
    let mut counted = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let mut shallow = false;
        let words =
            "`#[weigh(...)]` of a field takes `shallow`: what the field owns is not counted";
        read(&field.attrs, words, errors, &mut |meta| {
            shallow |= meta.path.is_ident("shallow");
            if shallow { Ok(()) } else { Err(meta.error(words)) }
        });
        if !shallow {
            let index = Member::from(index);
            let member = field.ident.clone().map_or(index, Member::Named);
            counted.push((member, field.ty.clone()));
        }
    }
    counted
}

/// The path in `#[weigh(crate = path)]`.
fn facade(attributes: &[Attribute], errors: &mut Errors) -> Option<Path> {
    let mut facade = None;
    let words = "`#[weigh(...)]` of a type takes `crate = path`: the path to memokit";
    read(attributes, words, errors, &mut |meta| {
        if !meta.path.is_ident("crate") {
            return Err(meta.error(words));
        }
        let path = meta.value().and_then(|value| value.call(Path::parse_mod_style));
        facade = Some(path.map_err(|error| syn::Error::new(error.span(), words))?);
        Ok(())
    });
    facade
}

/// Calls `each` for everything in `#[weigh(...)]`. An attribute without anything in it is an error too.
fn read(
    attributes: &[Attribute],
    words: &str,
    errors: &mut Errors,
    each: &mut dyn FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attribute in own_attributes(attributes) {
        let list = attribute.meta.require_list().ok().filter(|list| !list.tokens.is_empty());
        if list.is_none() {
            errors.at(attribute, words);
            continue;
        }
        errors.take(attribute.parse_nested_meta(&mut *each));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(item: &str) -> Vec<String> {
        let mut errors = Errors::default();
        Input::parse(item.parse().unwrap(), &mut errors);
        errors.messages()
    }

    #[test]
    fn wrong_forms_are_reported() {
        for (item, message) in [
            ("union U { a: u8 }", "by hand"),
            ("struct S { #[weigh(skip)] a: u8 }", "takes `shallow`"),
            ("struct S(#[weigh] u8);", "takes `shallow`"),
            ("struct S(#[weigh()] u8);", "takes `shallow`"),
            ("struct S(#[weigh = \"shallow\"] u8);", "takes `shallow`"),
            ("#[weigh(shallow)] struct S(u8);", "takes `crate = path`"),
            ("#[weigh(crate = \"a\")] struct S(u8);", "takes `crate = path`"),
            ("#[weigh(crate)] enum E {}", "takes `crate = path`"),
            ("enum E { #[weigh(shallow)] A(u8) }", "a field of the variant"),
        ] {
            let found = errors(item);
            assert!(found.len() == 1 && found[0].contains(message), "{item}: {found:?}");
        }
        assert_eq!(errors("#[weigh(crate = a::b)] struct S(#[weigh(shallow)] u8);"), [""; 0]);
    }
}

//! The impl of a trait, with the functions in it that are memoized, and where their companions go.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, ImplItem, ItemImpl, Meta, Path, Token, Visibility};

/// The arguments of `#[companions]`: a visibility, and the name of a trait that gets the companions.
pub(crate) struct Home {
    pub(crate) visibility: Visibility,
    /// `None`: they are inherent functions of the type.
    pub(crate) name: Option<Ident>,
}

impl Default for Home {
    fn default() -> Self {
        Self { visibility: Visibility::Inherited, name: None }
    }
}

impl Parse for Home {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let visibility = input.parse()?;
        let has_trait = input.parse::<Option<Token![trait]>>()?.is_some();
        let name = if has_trait { Some(input.parse()?) } else { None };
        if !input.is_empty() {
            return Err(input.error(
                "`#[companions]` takes a visibility and a trait to declare, and needs neither: \
                 `#[companions(pub trait Caches)]`",
            ));
        }
        Ok(Self { visibility, name })
    }
}

/// An item of the impl.
pub(crate) enum Member {
    /// A function with `#[memoize]`: the arguments of that, and the function without it.
    Memoized(TokenStream, TokenStream),
    Other(TokenStream),
}

/// The impl of a trait for a type.
pub(crate) struct TraitImpl {
    /// The impl without its items.
    pub(crate) header: ItemImpl,
    pub(crate) of: Path,
    pub(crate) members: Vec<Member>,
    /// The names of all items.
    pub(crate) names: Vec<Ident>,
    /// How `#[memoize]` is written.
    pub(crate) memoize: Path,
}

impl TraitImpl {
    /// Reads the impl.
    ///
    /// # Errors
    /// The reason why `item` is none.
    pub(crate) fn parse(item: TokenStream) -> syn::Result<Self> {
        let message =
            "`#[companions]` goes on the impl of a trait that has functions with `#[memoize]`";
        let mut header = syn::parse2::<ItemImpl>(item.clone())
            .map_err(|_| syn::Error::new_spanned(first(item), message))?;
        let Some((of, _)) = header.trait_.clone() else {
            return Err(syn::Error::new_spanned(
                header.impl_token,
                "here the companions stand beside their functions by themselves: leave `#[companions]` out",
            ));
        };
        let items = std::mem::take(&mut header.items);
        let names = items.iter().filter_map(name).collect();
        let Some(memoize) = items.iter().find_map(memoize) else {
            return Err(syn::Error::new_spanned(
                header.impl_token,
                "no function of this impl has `#[memoize]`, which has to be written under this name",
            ));
        };
        let members = items.into_iter().map(member).collect();
        Ok(Self { header, of, members, names, memoize })
    }
}

fn first(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().take(1).collect()
}

fn name(item: &ImplItem) -> Option<Ident> {
    match item {
        ImplItem::Const(item) => Some(item.ident.clone()),
        ImplItem::Fn(item) => Some(item.sig.ident.clone()),
        ImplItem::Type(item) => Some(item.ident.clone()),
        _ => None,
    }
}

/// How `#[memoize]` is written on an item that has it.
fn memoize(item: &ImplItem) -> Option<Path> {
    let ImplItem::Fn(function) = item else { return None };
    function.attrs.iter().find(|attribute| is_memoize(attribute)).map(|found| found.path().clone())
}

fn member(item: ImplItem) -> Member {
    let ImplItem::Fn(mut function) = item else { return Member::Other(item.into_token_stream()) };
    let Some(at) = function.attrs.iter().position(is_memoize) else {
        return Member::Other(function.into_token_stream());
    };
    let arguments = match function.attrs.remove(at).meta {
        Meta::List(list) => list.tokens,
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    };
    Member::Memoized(arguments, function.into_token_stream())
}

fn is_memoize(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "memoize")
}

//! Items that are not functions.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// The error about an item that is not a function, under the keyword that says what it is. None if nothing better can
/// be said than what the parser of functions says.
pub(crate) fn not_a_function(item: &TokenStream) -> Option<syn::Error> {
    let message = "`#[memoize]` goes on a function: write it on each function that you want to memoize, \
                   not on the item that contains them";
    let keyword = match syn::parse2::<syn::Item>(item.clone()).ok()? {
        // syn parses a function without a body as `Verbatim`.
        syn::Item::Fn(_) | syn::Item::Verbatim(_) => return None,
        syn::Item::Impl(item) => item.impl_token.to_token_stream(),
        syn::Item::Struct(item) => item.struct_token.to_token_stream(),
        syn::Item::Enum(item) => item.enum_token.to_token_stream(),
        syn::Item::Trait(item) => item.trait_token.to_token_stream(),
        syn::Item::Mod(item) => item.mod_token.to_token_stream(),
        syn::Item::Static(item) => item.static_token.to_token_stream(),
        syn::Item::Const(item) => item.const_token.to_token_stream(),
        syn::Item::Type(item) => item.type_token.to_token_stream(),
        syn::Item::ForeignMod(item) => item.abi.to_token_stream(),
        syn::Item::Macro(item) => {
            return Some(syn::Error::new_spanned(
                &item.mac.path,
                "`#[memoize]` goes on functions and cannot see what this macro makes: \
                 write it on the function inside the macro",
            ));
        }
        other => quote!(#other),
    };
    Some(syn::Error::new_spanned(keyword, message))
}

//! Which of a function's attributes the items of the expansion have.

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::{Attribute, FnArg, Meta, Signature};

use crate::syntax::attributes::select;

/// Which items an attribute is for.
enum Kind {
    /// Whether the function exists, and its lints: every companion has it.
    Every,
    /// How the body is compiled: the companion that holds the body has it.
    Body,
    /// The function's alone: docs, symbols, other macros. Also deprecation, since a function and its companions call
    /// each other, which rustc would report.
    Own,
}

fn kind(meta: &Meta) -> Kind {
    let Some(name) = meta.path().get_ident() else {
        return Kind::Own;
    };
    match name.to_string().as_str() {
        "cfg" | "allow" | "expect" | "warn" | "deny" | "forbid" => Kind::Every,
        "inline" | "must_use" | "track_caller" | "target_feature" => Kind::Body,
        _ => Kind::Own,
    }
}

/// The attributes of every companion.
pub(super) fn shared(attributes: &[Attribute]) -> TokenStream {
    select(attributes, |meta| matches!(kind(meta), Kind::Every))
}

/// The attributes of the companion that holds the body.
pub(super) fn of_body(attributes: &[Attribute]) -> TokenStream {
    select(attributes, |meta| matches!(kind(meta), Kind::Every | Kind::Body))
}

/// Leaves on the parameters what every companion has. An attribute of another macro is for the function alone.
pub(super) fn leave_shared_on_parameters(signature: &mut Signature) {
    for input in &mut signature.inputs {
        let attributes = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        *attributes = on_copied_parameter(attributes);
    }
}

pub(super) fn on_copied_parameter(attributes: &[Attribute]) -> Vec<Attribute> {
    // What does not parse is reported on the function.
    Attribute::parse_outer.parse2(shared(attributes)).unwrap_or_default()
}

/// All attributes, for a function that may not hold its body.
pub(super) fn without_expect(attributes: &[Attribute]) -> TokenStream {
    select(attributes, |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;
    use syn::parse_quote;

    #[test]
    fn attributes_of_other_macros_stay_off_copied_parameters() {
        let mut signature: Signature = parse_quote!(
            fn f(#[cfg(unix)] #[case] a: u8, #[cfg_attr(test, builder(x), allow(unused))] b: u8)
        );
        leave_shared_on_parameters(&mut signature);
        let expected = quote!(fn f(#[cfg(unix)] a: u8, #[cfg_attr(test, allow(unused))] b: u8));
        assert_eq!(quote!(#signature).to_string(), expected.to_string());
    }

    #[test]
    fn each_kind_goes_where_it_belongs() {
        let function: syn::ItemFn = parse_quote! {
            /// Doc.
            #[cfg(unix)]
            #[expect(dead_code, reason = "r")]
            #[deprecated]
            #[must_use]
            #[inline(never)]
            #[unsafe(no_mangle)]
            #[tracing::instrument]
            #[cfg_attr(test, no_mangle, must_use, allow(unused))]
            #[cfg_attr(test, doc = "x")]
            fn f() {}
        };
        let shared = shared(&function.attrs).to_string();
        let expected = quote! {
            #[cfg(unix)] #[allow(dead_code, reason = "r")]
            #[cfg_attr(test, allow(unused))]
        };
        assert_eq!(shared, expected.to_string());
        let body = of_body(&function.attrs).to_string();
        let expected = quote! {
            #[cfg(unix)] #[allow(dead_code, reason = "r")] #[must_use]
            #[inline(never)] #[cfg_attr(test, must_use, allow(unused))]
        };
        assert_eq!(body, expected.to_string());
    }
}

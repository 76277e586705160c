//! The mistakes found in one expansion, reported together.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Collects errors, so that a user sees all of them after one build.
#[derive(Default)]
pub(crate) struct Errors {
    first: Option<syn::Error>,
}

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.first {
            Some(first) => first.combine(error),
            None => self.first = Some(error),
        }
    }

    /// Reports `message` under `guilty`.
    pub(crate) fn at(&mut self, guilty: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(guilty, message));
    }

    /// The value, or nothing and its error kept.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// One `compile_error!` for each mistake.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.first.map(syn::Error::into_compile_error).unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn messages(self) -> Vec<String> {
        self.first.into_iter().flatten().map(|error| error.to_string()).collect()
    }
}

/// For the tests of what looks at a function with its arguments.
#[cfg(test)]
pub(crate) mod testing {
    use super::Errors;
    use crate::parse::arguments::Args;
    use crate::parse::function::Function;

    /// What `check` says of a function.
    pub(crate) fn messages(
        check: impl Fn(&Args, &Function, &mut Errors),
        args: &str,
        function: &str,
    ) -> Vec<String> {
        let mut errors = Errors::default();
        let args = Args::parse(args.parse().unwrap(), &mut errors);
        check(&args, &syn::parse_str(function).unwrap(), &mut errors);
        errors.messages()
    }

    /// There is one error, and it says so.
    #[track_caller]
    pub(crate) fn refused(found: &[String], message: &str) {
        assert!(found.len() == 1 && found[0].contains(message), "{message}: {found:?}");
    }
}

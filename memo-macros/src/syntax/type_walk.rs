//! A walk through a type that reports its references, lifetimes, `impl Trait`s and paths.

use syn::{
    BoundLifetimes, Expr, GenericArgument, GenericParam, Lifetime, PathArguments, ReturnType, Type,
    TypeImplTrait, TypeParamBound, TypeReference,
};

/// What the walk meets.
pub(crate) enum Found<'a> {
    /// A reference, with whether an elided lifetime in it is one of the signature's.
    Reference(&'a TypeReference, bool),
    /// A lifetime that is neither `'static` nor bound inside the type; `'_` is one only where it
    /// is the signature's.
    Lifetime(&'a Lifetime),
    Opaque(&'a TypeImplTrait),
    /// A path that names a type, or the length of an array. The types in `<Type as Trait<Type>>::Item` are not
    /// reported.
    Path(&'a syn::Path),
}

/// Calls `visit` for everything in a type that [`Found`] lists.
pub(crate) fn walk<'a>(ty: &'a Type, visit: &mut dyn FnMut(Found<'a>)) {
    Walk { visit, bound: Vec::new(), own_elision: false, projected: false }.ty(ty);
}

struct Walk<'v, 'a> {
    visit: &'v mut dyn FnMut(Found<'a>),
    /// Lifetimes bound by an enclosing `for<'a>`.
    bound: Vec<&'a Lifetime>,
    /// Inside `fn(..)` and `Fn(..)`, where elided lifetimes belong to that signature.
    own_elision: bool,
    /// Inside the `<..>` of `<..>::Item`, where a path does not name the type that is written.
    projected: bool,
}

impl<'a> Walk<'_, 'a> {
    fn ty(&mut self, ty: &'a Type) {
        match ty {
            Type::Array(array) => {
                self.ty(&array.elem);
                if let Expr::Path(length) = &array.len {
                    self.name(&length.path);
                }
            }
            Type::Slice(slice) => self.ty(&slice.elem),
            Type::Group(group) => self.ty(&group.elem),
            Type::Paren(paren) => self.ty(&paren.elem),
            Type::Ptr(pointer) => self.ty(&pointer.elem),
            Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| self.ty(elem)),
            Type::Path(path) => {
                let outer = self.projected;
                if let Some(qself) = &path.qself {
                    self.projected = true;
                    self.ty(&qself.ty);
                } else {
                    self.name(&path.path);
                }
                self.path(&path.path);
                self.projected = outer;
            }
            Type::Reference(reference) => {
                (self.visit)(Found::Reference(reference, !self.own_elision));
                reference.lifetime.iter().for_each(|lifetime| self.lifetime(lifetime));
                self.ty(&reference.elem);
            }
            Type::FnPtr(pointer) => self.within(pointer.lifetimes.as_ref(), true, |walk| {
                pointer.inputs.iter().for_each(|input| walk.ty(&input.ty));
                walk.output(&pointer.output);
            }),
            Type::TraitObject(object) => self.bounds(&object.bounds),
            Type::ImplTrait(opaque) => {
                (self.visit)(Found::Opaque(opaque));
                self.bounds(&opaque.bounds);
            }
            // The type that a macro makes is unknown here. rustc checks it after expansion.
            Type::Infer(_) | Type::Macro(_) | Type::Never(_) | Type::Verbatim(_) => {}
            _ => {}
        }
    }

    /// Reports a path that is written where it names something.
    fn name(&mut self, path: &'a syn::Path) {
        if !self.projected {
            (self.visit)(Found::Path(path));
        }
    }

    fn path(&mut self, path: &'a syn::Path) {
        for segment in &path.segments {
            match &segment.arguments {
                PathArguments::None => {}
                PathArguments::AngleBracketed(list) => {
                    list.args.iter().for_each(|argument| self.generic(argument));
                }
                PathArguments::Parenthesized(signature) => self.within(None, true, |walk| {
                    signature.inputs.iter().for_each(|input| walk.ty(&input.ty));
                    walk.output(&signature.output);
                }),
            }
        }
    }

    fn generic(&mut self, argument: &'a GenericArgument) {
        match argument {
            GenericArgument::Lifetime(lifetime) => self.lifetime(lifetime),
            GenericArgument::Type(ty) => self.ty(ty),
            GenericArgument::AssocType(assoc) => self.ty(&assoc.ty),
            GenericArgument::Constraint(constraint) => self.bounds(&constraint.bounds),
            _ => {}
        }
    }

    fn bounds(&mut self, bounds: impl IntoIterator<Item = &'a TypeParamBound>) {
        for bound in bounds {
            match bound {
                TypeParamBound::Trait(bound) => {
                    self.within(bound.lifetimes.as_ref(), self.own_elision, |walk| {
                        walk.path(&bound.path);
                    });
                }
                TypeParamBound::Lifetime(lifetime) => self.lifetime(lifetime),
                _ => {}
            }
        }
    }

    fn output(&mut self, output: &'a ReturnType) {
        if let ReturnType::Type(_, ty) = output {
            self.ty(ty);
        }
    }

    fn lifetime(&mut self, lifetime: &'a Lifetime) {
        let own = match lifetime.ident.to_string().as_str() {
            "static" => true,
            "_" => self.own_elision,
            _ => self.bound.contains(&lifetime),
        };
        if !own {
            (self.visit)(Found::Lifetime(lifetime));
        }
    }

    fn within(
        &mut self,
        lifetimes: Option<&'a BoundLifetimes>,
        own_elision: bool,
        inside: impl FnOnce(&mut Self),
    ) {
        let outer = (self.bound.len(), self.own_elision);
        for param in lifetimes.iter().flat_map(|bound| &bound.lifetimes) {
            if let GenericParam::Lifetime(param) = param {
                self.bound.push(&param.lifetime);
            }
        }
        self.own_elision = own_elision;
        inside(self);
        self.bound.truncate(outer.0);
        self.own_elision = outer.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&'static str> {
        let ty: Type = syn::parse_str(text).unwrap();
        let mut found = Vec::new();
        walk(&ty, &mut |what| {
            found.push(match what {
                Found::Reference(reference, true) if reference.lifetime.is_none() => "elided",
                Found::Reference(..) => "",
                Found::Lifetime(_) => "lifetime",
                Found::Opaque(_) => "opaque",
                Found::Path(_) => "",
            });
        });
        found.retain(|what| !what.is_empty());
        found
    }

    #[test]
    fn owned_types_are_free_of_lifetimes() {
        for owned in [
            "u32",
            "&'static str",
            "Vec<(String, [u8; 4])>",
            "Box<dyn Fn(&str) -> &str + Send>",
            "fn(&str) -> &str",
            "for<'a> fn(&'a str, Cow<'_, str>) -> &'a str",
            "Box<dyn for<'a> Visit<'a> + 'static>",
            "<Vec<u8> as IntoIterator>::Item",
        ] {
            assert_eq!(found(owned), [""; 0], "{owned}");
        }
    }

    #[test]
    fn borrows_are_found_at_any_depth() {
        for (borrowed, what) in [
            ("&str", "elided"),
            ("Option<&'a str>", "lifetime"),
            ("Cow<'_, str>", "lifetime"),
            ("(u32, [&u8; 2])", "elided"),
            ("Box<dyn Any + 'a>", "lifetime"),
            ("Box<dyn Iterator<Item = &u8>>", "elided"),
            ("<Foo<'a> as Bar>::Baz", "lifetime"),
            ("fn(&'a str)", "lifetime"),
            ("Vec<impl Debug>", "opaque"),
        ] {
            assert_eq!(found(borrowed), [what], "{borrowed}");
        }
    }
}

//! A walk through a type, to what a memoized signature cannot have.

use syn::{
    BoundLifetimes, GenericArgument, GenericParam, Lifetime, PathArguments, ReturnType, Type,
    TypeImplTrait, TypeParamBound, TypePath, TypeReference,
};

/// What the walk meets.
pub(crate) enum Found<'a> {
    /// A reference, with whether an elided lifetime in it is one of the signature's.
    Reference(&'a TypeReference, bool),
    /// A lifetime that is neither `'static` nor bound inside the type; `'_` is one only where it
    /// is the signature's.
    Lifetime(&'a Lifetime),
    Opaque(&'a TypeImplTrait),
    /// A path that is a type, and not one of which another is asked for.
    Path(&'a syn::Path),
}

/// Calls `visit` for every reference, lifetime and `impl Trait` in a type.
pub(crate) fn walk<'a>(ty: &'a Type, visit: &mut dyn FnMut(Found<'a>)) {
    Walk { visit, bound: Vec::new(), own_elision: false, projected: false }.ty(ty);
}

/// Types of the standard library that hold values of their arguments and are what these are.
const HOLDERS: [&str; 10] = [
    "Option",
    "Result",
    "Vec",
    "VecDeque",
    "LinkedList",
    "Box",
    "HashMap",
    "BTreeMap",
    "HashSet",
    "BTreeSet",
];

/// Calls `visit` for a type and those of the values that one of it surely holds or refers to.
pub(crate) fn parts<'a>(ty: &'a Type, visit: &mut dyn FnMut(&'a Type)) {
    visit(ty);
    match ty {
        Type::Array(array) => parts(&array.elem, visit),
        Type::Slice(slice) => parts(&slice.elem, visit),
        Type::Group(group) => parts(&group.elem, visit),
        Type::Paren(paren) => parts(&paren.elem, visit),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| parts(elem, visit)),
        Type::Reference(reference) => parts(&reference.elem, visit),
        Type::Path(path) => {
            let Some((name, arguments)) = last_segment(path) else { return };
            if HOLDERS.contains(&&*name) {
                arguments.for_each(|argument| parts(argument, visit));
            }
        }
        _ => {}
    }
}

/// The part of a result that is kept, as far as its spelling shows.
pub(crate) fn kept_part(ty: &Type, errors_too: bool) -> &Type {
    match ty {
        Type::Group(group) => kept_part(&group.elem, errors_too),
        Type::Paren(paren) => kept_part(&paren.elem, errors_too),
        Type::Path(path) if !errors_too => match last_segment(path) {
            Some((name, mut arguments)) if name == "Result" => arguments.next().unwrap_or(ty),
            _ => ty,
        },
        _ => ty,
    }
}

/// The name of a type without its path, and its arguments that are types.
pub(crate) fn last_segment(path: &TypePath) -> Option<(String, impl Iterator<Item = &Type>)> {
    let last = path.path.segments.last().filter(|_| path.qself.is_none())?;
    let list = match &last.arguments {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        _ => None,
    };
    let types = list.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some((last.ident.to_string(), types))
}

struct Walk<'v, 'a> {
    visit: &'v mut dyn FnMut(Found<'a>),
    /// Lifetimes bound by an enclosing `for<'a>`.
    bound: Vec<&'a Lifetime>,
    /// Inside `fn(..)` and `Fn(..)`, where elided lifetimes belong to that signature.
    own_elision: bool,
    /// Inside `<..>::`, of which something else is the type.
    projected: bool,
}

impl<'a> Walk<'_, 'a> {
    fn ty(&mut self, ty: &'a Type) {
        match ty {
            Type::Array(array) => self.ty(&array.elem),
            Type::Slice(slice) => self.ty(&slice.elem),
            Type::Group(group) => self.ty(&group.elem),
            Type::Paren(paren) => self.ty(&paren.elem),
            Type::Ptr(pointer) => self.ty(&pointer.elem),
            Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| self.ty(elem)),
            Type::Path(path) => {
                if let Some(qself) = &path.qself {
                    let outer = std::mem::replace(&mut self.projected, true);
                    self.ty(&qself.ty);
                    self.projected = outer;
                } else if !self.projected {
                    (self.visit)(Found::Path(&path.path));
                }
                self.path(&path.path);
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
            // A macro's type is unknown here; rustc judges it after expansion.
            Type::Infer(_) | Type::Macro(_) | Type::Never(_) | Type::Verbatim(_) => {}
            _ => {}
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

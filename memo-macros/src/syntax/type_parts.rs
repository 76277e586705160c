//! The types inside a type, by its spelling.

use syn::{GenericArgument, PathArguments, Type, TypePath};

/// Types of the standard library that hold values of their type arguments, and have the traits that these have.
const CONTAINERS: [&str; 10] = [
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

/// Calls `visit` for a type, and for the types of the values that it certainly holds or refers to.
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
            if CONTAINERS.contains(&&*name) {
                arguments.for_each(|argument| parts(argument, visit));
            }
        }
        _ => {}
    }
}

/// Which part of a return type is cached, as far as its spelling shows: the first argument of a `Result` unless
/// `errors_too`, else all of it.
pub(crate) fn cached_part(ty: &Type, errors_too: bool) -> &Type {
    match ty {
        Type::Group(group) => cached_part(&group.elem, errors_too),
        Type::Paren(paren) => cached_part(&paren.elem, errors_too),
        Type::Path(path) if !errors_too => match last_segment(path) {
            Some((name, mut arguments)) if name == "Result" => arguments.next().unwrap_or(ty),
            _ => ty,
        },
        _ => ty,
    }
}

/// The last segment of a path: its name, and those of its arguments that are types.
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

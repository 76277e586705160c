//! What the name of a type shows, as `type_name` writes it.

/// Splits the name of a caller's type into the path of what encloses the function, and the function's own parameters:
/// `path::Type<u8>::function<'_, u16>::{{closure}}` into `path::Type<u8>` and `u16`. The name of a companion,
/// `path::Type<u8>::function_memo`, has none of these parameters.
pub(super) fn split_item_name(item: &'static str) -> (&'static str, &'static str) {
    let (mut enclosing, mut name) = split_last(item);
    while name == "{{closure}}" {
        (enclosing, name) = split_last(enclosing);
    }
    let parameters = name.split_once('<').map_or("", |(_, parameters)| parameters);
    let mut parameters = parameters.strip_suffix('>').unwrap_or(parameters);
    // Lifetimes are removed: they distinguish no instances, and companions do not have all lifetimes of the function.
    while let Some(rest) = parameters.strip_prefix("'_") {
        parameters = rest.strip_prefix(", ").unwrap_or(rest);
    }
    (enclosing, parameters)
}

/// Splits a path into all but its last segment, and the last segment.
pub(super) fn split_last(path: &str) -> (&str, &str) {
    let separators =
        Outline::of(path).filter(|(at, _, depth)| *depth == 0 && path[*at..].starts_with("::"));
    separators.last().map_or(("", path), |(at, ..)| (&path[..at], &path[at + 2..]))
}

/// Splits `<Type as Trait>::rest` into the trait and `::rest`. Of `<Type>::rest` it returns the type.
pub(super) fn split_qualified(path: &str) -> Option<(&str, &str)> {
    let mut begin = path.strip_prefix('<').map(|_| 1)?;
    for (at, byte, depth) in Outline::of(path) {
        match byte {
            b' ' if depth == 1 && path[at..].starts_with(" as ") => begin = at + " as ".len(),
            b'>' if depth == 0 => return Some((&path[begin..at], &path[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Returns whether the names of types in `names` show one that is local to a constant, a method or the function `main`.
/// Other functions cannot be told from modules: `path::name::Type` is the name of a type in both.
pub(super) fn shows_local_type(names: &str) -> bool {
    let is_of_path = |char: char| char.is_alphanumeric() || "_:{}#".contains(char);
    names.split(|char| !is_of_path(char)).any(|path| match path.strip_prefix("::") {
        // What follows the parameters of a type or function. One segment is the function's own name.
        Some(rest) => rest.contains("::"),
        None => is_local(path),
    })
}

/// Returns whether the path without parameters of a type shows that it is local.
fn is_local(path: &str) -> bool {
    let Some((containing, _)) = path.rsplit_once("::") else { return false };
    let is_main = containing.split("::").nth(1) == Some("main");
    let mut in_type = false;
    let is_below_item = containing.split("::").any(|name| {
        // A type contains methods, and a module whose name looks like that of a type only modules like itself.
        let is_method = in_type && name.starts_with(char::is_lowercase);
        in_type |= name.starts_with(char::is_uppercase);
        is_method || name == "_" || name.starts_with('{')
    });
    is_main || is_below_item
}

/// The bytes of a type's name outside of character literals, each with its index and the number of `<` around it. A
/// bracket has the depth of what is around the pair.
struct Outline<'a> {
    name: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Outline<'a> {
    fn of(name: &'a str) -> Self {
        Self { name, at: 0, depth: 0 }
    }
}

impl Iterator for Outline<'_> {
    type Item = (usize, u8, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (at, bytes) = (self.at, self.name.as_bytes());
        let (byte, mut depth) = (*bytes.get(at)?, self.depth);
        match byte {
            b'<' => self.depth += 1,
            b'>' if at == 0 || bytes[at - 1] != b'-' => {
                depth = depth.saturating_sub(1);
                self.depth = depth;
            }
            b'\'' => self.at += char_literal_len(&self.name[at..]),
            _ => {}
        }
        self.at += 1;
        Some((at, byte, depth))
    }
}

/// Returns the length in bytes of a character literal without its opening quote, such as `<'`. `text` begins with that
/// quote. Returns 0 if it begins a lifetime instead.
fn char_literal_len(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    let escaped = chars.next().is_some_and(|(_, first)| first == '\\');
    let close = if escaped {
        // Skips the escaped character, which is a quote in `'\''`.
        chars.skip(1).find(|&(_, char)| char == '\'')
    } else {
        chars.next().filter(|&(_, char)| char == '\'')
    };
    close.map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_caller_is_split_into_enclosing_path_and_parameters() {
        for (item, enclosing, parameters) in [
            ("it::f::{{closure}}", "it", ""),
            ("it::f<a::String, 3, '<'>::{{closure}}", "it", "a::String, 3, '<'"),
            ("it::f<'_, '_>::{{closure}}", "it", ""),
            ("it::f<'_, &u8>::{{closure}}", "it", "&u8"),
            ("it::f<fn(u8) -> u8, '\\''>::{{closure}}", "it", "fn(u8) -> u8, '\\''"),
            ("it::f<for<'a> fn(&'a u8)>::{{closure}}", "it", "for<'a> fn(&'a u8)"),
            (
                "<it::S<u16> as it::T<u8>>::d<&str>::{{closure}}",
                "<it::S<u16> as it::T<u8>>",
                "&str",
            ),
            ("it::S<u8>::m<it::f::{{closure}}>::{{closure}}", "it::S<u8>", "it::f::{{closure}}"),
            ("it::f::{{closure}}::g::{{closure}}", "it::f::{{closure}}", ""),
            ("it::f<u8>::{{closure}}::{{closure}}", "it", "u8"),
            ("it::f_memo", "it", ""),
            ("<it::S<u16> as it::T<u8>>::f_memo", "<it::S<u16> as it::T<u8>>", ""),
        ] {
            assert_eq!(split_item_name(item), (enclosing, parameters), "{item}");
        }
    }

    #[test]
    fn a_qualified_path_is_split() {
        for (path, split) in [
            ("<it::A as it::B>", Some(("it::B", ""))),
            ("<it::A<<it::C as it::D>::E> as it::B<'>'>>::f", Some(("it::B<'>'>", "::f"))),
            ("<fn() -> it::A as it::B>", Some(("it::B", ""))),
            ("<dyn it::A>", Some(("dyn it::A", ""))),
            ("it::<impl it::A for it::B>", None),
        ] {
            assert_eq!(split_qualified(path), split, "{path}");
        }
    }

    #[test]
    fn local_types_are_recognized_where_the_name_shows_it() {
        for names in [
            "it::_::Local",
            "u8, alloc::vec::Vec<it::_::Local>",
            "it::f::{{closure}}::Local",
            "it::Type::method::Local",
            "it::Type<_>::method::Local",
            "<it::A as it::B>::method::Local",
            "it::m::<impl it::A>::method::Local",
            "it::main::Local<u8>",
        ] {
            assert!(shows_local_type(names), "{names}");
        }
        for names in [
            "",
            "u8, '<', ':', '_'",
            "it::m::Type<'_, [u8; 3]>",
            "it::main",
            "<it::A as it::B>::method",
            "it::Type<u8>::method",
            "for<'a> fn(&'a it::m::Type) -> dyn it::m::Trait<Item = u8> + core::marker::Send",
            "windows::Win32::Foundation::HWND",
            "core::option::Option<u8>::Some",
        ] {
            assert!(!shows_local_type(names), "{names}");
        }
    }
}

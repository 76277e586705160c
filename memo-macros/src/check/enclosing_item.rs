//! The item in which a function stands. The attribute is given the function alone, so the source file is read.
//!
//! The answer is used for an error message only. If it cannot be known, the function counts as free: the file may be
//! out of reach, and the tokens that a macro is given may not be what it emits. (An attribute that changes the impl of
//! a trait into another item is not seen.)

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::check::source_tokens::{Position, SourceTokens, Token};

/// The item that contains an associated function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enclosing {
    /// An inherent impl, or a trait.
    Impl,
    ImplOfATrait,
}

/// The associated functions, by position and name.
type Found = HashMap<(Position, String), Enclosing>;

/// The functions of a file, with the time of its last change: the process of an editor's server lives on while files
/// change.
struct SourceFile {
    modified: Option<SystemTime>,
    found: Found,
}

thread_local! {
    /// The files that are read. Each is read once, however many of its functions are memoized.
    static FILES: RefCell<HashMap<PathBuf, SourceFile>> = RefCell::default();
}

/// What contains the function in `item`, as far as its file shows.
pub(crate) fn of(item: &proc_macro::TokenStream) -> Option<Enclosing> {
    let name = name(item)?;
    // Through `proc_macro2`: rustc itself knows since 1.88, and before that nothing is known.
    let span = proc_macro2::Span::from(name.span());
    let start = span.start();
    let position = Position { line: start.line, column: start.column + 1 };
    enclosing(&span.local_file()?, position, &name.to_string())
}

/// The name of the function in `item`.
fn name(item: &proc_macro::TokenStream) -> Option<proc_macro::Ident> {
    use proc_macro::TokenTree;

    let mut tokens = item.clone().into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn"))?;
    match tokens.next() {
        Some(TokenTree::Ident(name)) => Some(name),
        _ => None,
    }
}

/// What contains the function with a name in a position of a file.
fn enclosing(path: &Path, position: Position, name: &str) -> Option<Enclosing> {
    let wanted = (position, name.to_owned());
    let modified = fs::metadata(path).and_then(|file| file.modified()).ok();
    FILES.with_borrow_mut(|files| {
        let current = files.get(path).is_some_and(|file| file.modified == modified);
        if !current {
            let found = functions_of(path);
            files.insert(path.to_owned(), SourceFile { modified, found });
        }
        files.get(path).and_then(|file| file.found.get(&wanted).copied())
    })
}

fn functions_of(path: &Path) -> Found {
    fs::read_to_string(path).map(|source| associated_functions(&source)).unwrap_or_default()
}

fn associated_functions(source: &str) -> Found {
    let mut found = Found::new();
    let mut open = vec![Frame::default()];
    let mut tokens = SourceTokens::new(source);
    let mut after_bang = false;
    while let Some(token) = tokens.next() {
        let Some(frame) = open.last_mut() else { break };
        match token {
            Token::Word(word) => {
                if let Some(enclosing) = frame.enclosing.filter(|_| word == "fn") {
                    found.extend(tokens.clone().name().map(|name| (name, enclosing)));
                }
                frame.header.read(word, || tokens.clone().mark() == Some('<'));
            }
            Token::Mark(mark @ ('{' | '(' | '[')) => {
                let for_a_macro = after_bang || frame.for_a_macro;
                let enclosing = frame.header.enclosing().filter(|_| mark == '{' && !for_a_macro);
                open.push(Frame { enclosing, for_a_macro, header: Header::default() });
            }
            Token::Mark('}') => {
                open.pop();
                open.last_mut().into_iter().for_each(|frame| frame.header = Header::default());
            }
            Token::Mark(')' | ']') => _ = open.pop(),
            Token::Mark(';') => frame.header = Header::default(),
            Token::Mark(_) => {}
        }
        after_bang = matches!(token, Token::Mark('!'));
    }
    found
}

/// A pair of brackets that is open.
#[derive(Default)]
struct Frame {
    /// It is the body of this item.
    enclosing: Option<Enclosing>,
    /// It is the input of a macro, or inside it.
    for_a_macro: bool,
    header: Header,
}

/// What the words of an item before its body have shown so far.
#[derive(Default)]
enum Header {
    #[default]
    Empty,
    Impl,
    ImplFor,
    Other,
}

impl Header {
    fn read(&mut self, word: &str, before_generics: impl FnOnce() -> bool) {
        *self = match (&*self, word) {
            (Self::Empty, "unsafe" | "default" | "pub") => Self::Empty,
            (Self::Empty, "impl" | "trait") => Self::Impl,
            (Self::Impl, "for") if !before_generics() => Self::ImplFor,
            (Self::Impl, _) => Self::Impl,
            (Self::ImplFor, _) => Self::ImplFor,
            (Self::Empty | Self::Other, _) => Self::Other,
        };
    }

    fn enclosing(&self) -> Option<Enclosing> {
        match self {
            Self::Impl => Some(Enclosing::Impl),
            Self::ImplFor => Some(Enclosing::ImplOfATrait),
            Self::Empty | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the functions called `yes` are found in the impl of a trait, those called `own` in another impl or
    /// in a trait, and those called `no` in neither.
    #[track_caller]
    fn finds(source: &str) {
        let mut found: Vec<_> = associated_functions(source).into_iter().collect();
        found.retain(|((_, name), _)| name != "other");
        found.sort_by_key(|((position, _), _)| (position.line, position.column));
        let lines = source.lines().zip(1..);
        let expected = lines.flat_map(|(text, line)| {
            text.match_indices("fn ").filter_map(move |(at, _)| {
                let name = text[at + 3..].split('(').next()?;
                let enclosing = match name {
                    "yes" => Enclosing::ImplOfATrait,
                    "own" => Enclosing::Impl,
                    _ => return None,
                };
                let column = text[..at].chars().count() + "fn ".len() + 1;
                Some(((Position { line, column }, name.to_owned()), enclosing))
            })
        });
        assert_eq!(found, expected.collect::<Vec<_>>());
    }

    #[test]
    fn impls_of_traits_are_found() {
        finds(
            "fn no() {}
            impl Market {
                fn own(&self) {}
            }
            #[cfg(all(unix, feature = \"for\"))]
            unsafe impl<'a, F: for<'b> Fn(&'b u8) -> [u8; 2]> Market for [F; 2] where F: 'a {
                const LIMIT: u8 = b'}';
                fn yes(&self) -> &'a str { \"}\" }
                fn other(&self) {
                    fn no() {}
                }
                macro!(fn no() {});
                fn yes(&self) {}
            }
            impl<F> Place<F> where for<'b> F: Fn(&'b u8) {
                fn own() -> impl Iterator<Item = u8> { for n in 0..1 { fn no() {} } }
            }
            pub(crate) trait Market: for<'a> Of<'a> where Self: 'static {
                fn own(&self) {}
            }
            mod m { impl Market for u8 { fn yes() {} } fn no() {} }",
        );
    }

    #[test]
    fn comments_and_literals_are_skipped() {
        finds(
            r####"/* impl A for B { /* { */ */ // {
            const TEXT: &str = "{ \" \\"; const RAW: &str = r##"impl A for B { "# "##;
            const CHARS: [char; 4] = ['{', '\'', '\u{7d}', '"'];
            fn no() { let r#impl = r"{"; 'outer: loop { break 'outer; } }
            impl A for B {
                // }
                fn yes() {}
            }"####,
        );
    }

    #[test]
    fn a_for_with_lifetimes_is_no_impl_of_a_trait() {
        finds(
            "impl W<for <'a> fn(&'a u8)> { fn own() {} }
            impl W<for // all
                /* of */ <'a> fn(&'a u8)> { fn own() {} }
            impl W<r#for::T> { fn own() {} }
            impl M for W<for  <'a> fn(&'a u8)> { fn yes() {} }",
        );
    }

    #[test]
    fn the_input_of_a_macro_does_not_count() {
        finds(
            "inherent! { impl M for W { fn no() {} } }
            inherent!(mod m { impl M for W { fn no() { impl M for W { fn no() {} } } } });
            macro_rules! m { ($t:ty) => { impl M for $t { fn yes() {} } } }",
        );
    }

    #[test]
    fn one_line_may_hold_many() {
        finds("\u{feff}");
        finds(
            "impl A for B { /* é */ fn yes() {} } impl B { fn own() {} } impl A for C { fn yes() {} }",
        );
        finds(")} impl A for B { fn no() {} }");
        let found = associated_functions("\u{feff}impl A for B { fn r#in() {} }");
        let position = Position { line: 1, column: 19 };
        assert_eq!(found, Found::from([((position, "r#in".to_owned()), Enclosing::ImplOfATrait)]));
    }

    #[test]
    fn a_file_is_read_again_when_it_has_changed() {
        let path =
            std::env::temp_dir().join(format!("memokit_enclosing_item_{}", std::process::id()));
        let position = Position { line: 1, column: 19 };
        let found = |name: &str| enclosing(&path, position, name).is_some();
        assert!(!found("one"));
        fs::write(&path, "impl A for B { fn one() {} }").unwrap();
        assert!(found("one") && !found("two"));
        fs::write(&path, "impl A for B { fn two() {} }").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(found("two") && !found("one"));
        fs::remove_file(&path).unwrap();
    }
}

//! What surrounds a function in its file: an attribute is shown the function alone.
//!
//! Only errors depend on it, and what cannot be known counts as no impl of a trait: a file may be out of reach, and what
//! a macro is given may not be what it makes. (An attribute that turns the impl of a trait into another is not seen.)

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::CharIndices;
use std::time::SystemTime;

/// Where a name stands, as rustc counts: from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The functions in impls of traits, by place and name.
type Found = HashSet<(Place, String)>;

/// A file as it was read: an editor's server outlives what is written in it.
struct Read {
    written: Option<SystemTime>,
    found: Found,
}

thread_local! {
    /// Each file is read once, however many functions in it are memoized.
    static FILES: RefCell<HashMap<PathBuf, Read>> = RefCell::default();
}

/// Whether the function with this name, in this place of a file, stands in the impl of a trait.
pub(crate) fn in_impl_of_a_trait(path: &Path, place: Place, name: &str) -> bool {
    let wanted = (place, name.to_owned());
    let written = fs::metadata(path).and_then(|file| file.modified()).ok();
    FILES.with_borrow_mut(|files| {
        let read = files.get(path).is_some_and(|file| file.written == written);
        if !read {
            let found = functions_of(path);
            files.insert(path.to_owned(), Read { written, found });
        }
        files.get(path).is_some_and(|file| file.found.contains(&wanted))
    })
}

fn functions_of(path: &Path) -> Found {
    fs::read_to_string(path).map(|source| functions_in_impls_of_traits(&source)).unwrap_or_default()
}

fn functions_in_impls_of_traits(source: &str) -> Found {
    let mut found = Found::new();
    let mut open = vec![Frame::default()];
    let mut tokens = Tokens::of(source);
    let mut after_bang = false;
    while let Some(token) = tokens.next() {
        let Some(frame) = open.last_mut() else { break };
        match token {
            Token::Word(word) => {
                if word == "fn" && frame.of_a_trait {
                    found.extend(tokens.clone().name());
                }
                frame.header.read(word, || tokens.clone().mark() == Some('<'));
            }
            Token::Mark(mark @ ('{' | '(' | '[')) => {
                let for_a_macro = after_bang || frame.for_a_macro;
                let of_a_trait = mark == '{' && frame.header.is_of_a_trait() && !for_a_macro;
                open.push(Frame { of_a_trait, for_a_macro, header: Header::default() });
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

/// What is between two brackets.
#[derive(Default)]
struct Frame {
    of_a_trait: bool,
    /// It is given to a macro.
    for_a_macro: bool,
    header: Header,
}

/// The words of an item before its body.
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
            (Self::Empty, "unsafe" | "default") => Self::Empty,
            (Self::Empty, "impl") => Self::Impl,
            (Self::Impl, "for") if !before_generics() => Self::ImplFor,
            (Self::Impl, _) => Self::Impl,
            (Self::ImplFor, _) => Self::ImplFor,
            (Self::Empty | Self::Other, _) => Self::Other,
        };
    }

    fn is_of_a_trait(&self) -> bool {
        matches!(self, Self::ImplFor)
    }
}

enum Token<'a> {
    Word(&'a str),
    Mark(char),
}

/// The words and marks of a file, without comments and literals.
#[derive(Clone)]
struct Tokens<'a> {
    source: &'a str,
    chars: Peekable<CharIndices<'a>>,
    /// Of the next character.
    place: Place,
    /// Of the last token.
    start: Place,
}

impl<'a> Tokens<'a> {
    fn of(source: &'a str) -> Self {
        // rustc leaves the mark of the byte order out.
        let source = source.trim_start_matches('\u{feff}');
        let place = Place { line: 1, column: 1 };
        Self { source, chars: source.char_indices().peekable(), place, start: place }
    }

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.start = self.place;
            let (at, char) = self.step()?;
            match char {
                '/' if self.before('/') => {
                    while self.step().is_some_and(|(_, char)| char != '\n') {}
                }
                '/' if self.before('*') => self.comment(),
                '"' => self.text(),
                '\'' => self.quote(),
                _ if char.is_whitespace() => {}
                _ if is_part_of_a_word(char) => {
                    let word = self.rest_of_word(at);
                    match word {
                        "r" | "br" | "cr" if self.before('"') || self.before('#') => {
                            if !self.raw_text() {
                                return Some(Token::Word(self.rest_of_word(at)));
                            }
                        }
                        _ => return Some(Token::Word(word)),
                    }
                }
                _ => return Some(Token::Mark(char)),
            }
        }
    }

    /// The next token with its place, if it is a word.
    fn name(&mut self) -> Option<(Place, String)> {
        match self.next() {
            Some(Token::Word(word)) => Some((self.start, word.to_owned())),
            _ => None,
        }
    }

    /// The next token, if it is a mark.
    fn mark(&mut self) -> Option<char> {
        match self.next() {
            Some(Token::Mark(mark)) => Some(mark),
            _ => None,
        }
    }

    fn step(&mut self) -> Option<(usize, char)> {
        let next = self.chars.next()?;
        self.place = match next.1 {
            '\n' => Place { line: self.place.line + 1, column: 1 },
            _ => Place { column: self.place.column + 1, ..self.place },
        };
        Some(next)
    }

    fn before(&mut self, wanted: char) -> bool {
        self.chars.peek().is_some_and(|&(_, char)| char == wanted)
    }

    fn rest_of_word(&mut self, from: usize) -> &'a str {
        while self.chars.peek().is_some_and(|&(_, char)| is_part_of_a_word(char)) {
            self.step();
        }
        let end = self.chars.peek().map_or(self.source.len(), |&(at, _)| at);
        &self.source[from..end]
    }

    /// To the end of a comment that may hold others.
    fn comment(&mut self) {
        let (mut depth, mut last) = (0usize, '/');
        while let Some((_, char)) = self.step() {
            match (last, char) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    last = char;
                    continue;
                }
            }
            last = ' ';
            if depth == 0 {
                return;
            }
        }
    }

    fn text(&mut self) {
        while let Some((_, char)) = self.step() {
            match char {
                '\\' => _ = self.step(),
                '"' => return,
                _ => {}
            }
        }
    }

    /// From the first `#` or quote. Of `r#name` the `#` alone: that is no text.
    fn raw_text(&mut self) -> bool {
        let mut hashes = 0;
        while self.before('#') {
            self.step();
            hashes += 1;
        }
        if !self.before('"') {
            return false;
        }
        self.step();
        let mut met = None;
        while let Some((_, char)) = self.step() {
            met = match (char, met) {
                ('"', _) => Some(0),
                ('#', Some(count)) => Some(count + 1),
                _ => None,
            };
            if met == Some(hashes) {
                break;
            }
        }
        true
    }

    /// A character or a lifetime.
    fn quote(&mut self) {
        match self.step() {
            Some((_, '\\')) => {
                self.step();
                while self.step().is_some_and(|(_, char)| char != '\'') {}
            }
            Some(_) if self.before('\'') => _ = self.step(),
            Some((at, _)) => _ = self.rest_of_word(at),
            None => {}
        }
    }
}

fn is_part_of_a_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the functions called `yes` stand in the impl of a trait and those called `no` do not.
    #[track_caller]
    fn judges(source: &str) {
        let mut found: Vec<_> = functions_in_impls_of_traits(source).into_iter().collect();
        found.retain(|(_, name)| name != "other");
        found.sort_by_key(|(place, _)| (place.line, place.column));
        let lines = source.lines().zip(1..);
        let expected = lines.flat_map(|(text, line)| {
            text.match_indices("fn yes(").map(move |(at, _)| {
                let column = text[..at].chars().count() + "fn ".len() + 1;
                (Place { line, column }, "yes".to_owned())
            })
        });
        assert_eq!(found, expected.collect::<Vec<_>>());
    }

    #[test]
    fn impls_are_told_apart() {
        judges(
            "fn no() {}
            impl Market {
                fn no(&self) {}
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
                fn no() -> impl Iterator<Item = u8> { for n in 0..1 { fn no() {} } }
            }
            trait Market {
                fn no(&self) {}
            }
            mod m { impl Market for u8 { fn yes() {} } fn no() {} }",
        );
    }

    #[test]
    fn comments_and_literals_are_passed_over() {
        judges(
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
    fn bounds_for_all_lifetimes_are_of_no_trait() {
        judges(
            "impl W<for <'a> fn(&'a u8)> { fn no() {} }
            impl W<for // all
                /* of */ <'a> fn(&'a u8)> { fn no() {} }
            impl W<r#for::T> { fn no() {} }
            impl M for W<for  <'a> fn(&'a u8)> { fn yes() {} }",
        );
    }

    #[test]
    fn what_a_macro_is_given_is_not_judged() {
        judges(
            "inherent! { impl M for W { fn no() {} } }
            inherent!(mod m { impl M for W { fn no() { impl M for W { fn no() {} } } } });
            macro_rules! m { ($t:ty) => { impl M for $t { fn yes() {} } } }",
        );
    }

    #[test]
    fn one_line_holds_many() {
        judges("\u{feff}");
        judges(
            "impl A for B { /* é */ fn yes() {} } impl B { fn no() {} } impl A for C { fn yes() {} }",
        );
        judges(")} impl A for B { fn no() {} }");
        let found = functions_in_impls_of_traits("\u{feff}impl A for B { fn r#in() {} }");
        let place = Place { line: 1, column: 19 };
        assert_eq!(found, Found::from([(place, "r#in".to_owned())]));
    }

    #[test]
    fn a_file_is_read_again_when_it_was_written() {
        let path =
            std::env::temp_dir().join(format!("memokit_surroundings_{}", std::process::id()));
        let place = Place { line: 1, column: 19 };
        let asked = |name: &str| in_impl_of_a_trait(&path, place, name);
        assert!(!asked("one"));
        fs::write(&path, "impl A for B { fn one() {} }").unwrap();
        assert!(asked("one") && !asked("two"));
        fs::write(&path, "impl A for B { fn two() {} }").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(asked("two") && !asked("one"));
        fs::remove_file(&path).unwrap();
    }
}

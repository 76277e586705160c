//! What surrounds a function in its file: an attribute is shown the function alone.
//!
//! Only errors depend on it, since a file may be out of reach and a macro may make functions of what it holds.

use std::iter::Peekable;
use std::str::CharIndices;

/// Whether `fn name`, in this line of a file, stands in the impl of a trait.
pub(crate) fn in_impl_of_a_trait(source: &str, line: usize, name: &str) -> bool {
    let mut open = vec![Frame::default()];
    let mut tokens = Tokens::of(source);
    while let Some(token) = tokens.next() {
        let Some(frame) = open.last_mut() else { return false };
        match token {
            Token::Word("fn") if tokens.line == line && tokens.clone().word() == Some(name) => {
                return frame.of_a_trait;
            }
            Token::Word(word) => frame.header.read(word, tokens.before('<')),
            Token::Mark(mark @ ('{' | '(' | '[')) => {
                let of_a_trait = mark == '{' && frame.header.is_of_a_trait();
                open.push(Frame { of_a_trait, header: Header::default() });
            }
            Token::Mark('}') => {
                open.pop();
                open.last_mut().into_iter().for_each(|frame| frame.header = Header::default());
            }
            Token::Mark(')' | ']') => _ = open.pop(),
            Token::Mark(';') => frame.header = Header::default(),
            Token::Mark(_) => {}
        }
    }
    false
}

/// What is between two brackets.
#[derive(Default)]
struct Frame {
    of_a_trait: bool,
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
    fn read(&mut self, word: &str, before_generics: bool) {
        *self = match (&*self, word) {
            (Self::Empty, "unsafe" | "default") => Self::Empty,
            (Self::Empty, "impl") => Self::Impl,
            (Self::Impl, "for") if !before_generics => Self::ImplFor,
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
    line: usize,
}

impl<'a> Tokens<'a> {
    fn of(source: &'a str) -> Self {
        Self { source, chars: source.char_indices().peekable(), line: 1 }
    }

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
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
                            self.raw_text();
                        }
                        _ => return Some(Token::Word(word)),
                    }
                }
                _ => return Some(Token::Mark(char)),
            }
        }
    }

    /// The next word, if a word is next.
    fn word(&mut self) -> Option<&'a str> {
        match self.next() {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn step(&mut self) -> Option<(usize, char)> {
        let next = self.chars.next();
        self.line += usize::from(matches!(next, Some((_, '\n'))));
        next
    }

    fn before(&mut self, wanted: char) -> bool {
        self.chars.peek().is_some_and(|&(_, char)| char == wanted)
    }

    fn rest_of_word(&mut self, from: usize) -> &'a str {
        while self.chars.next_if(|&(_, char)| is_part_of_a_word(char)).is_some() {}
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

    /// From the first `#` or quote; of `r#name` the `#` alone.
    fn raw_text(&mut self) {
        let mut hashes = 0;
        while self.chars.next_if(|&(_, char)| char == '#').is_some() {
            hashes += 1;
        }
        if !self.before('"') {
            return;
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
                return;
            }
        }
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
        for (at, line) in source.lines().enumerate() {
            for (name, expected) in [("yes", true), ("no", false)] {
                if line.contains(&format!("fn {name}(")) {
                    assert_eq!(in_impl_of_a_trait(source, at + 1, name), expected, "{line}");
                }
            }
        }
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
    fn what_is_not_there_is_in_nothing() {
        assert!(!in_impl_of_a_trait("impl A for B { fn f() {} }", 2, "f"));
        assert!(!in_impl_of_a_trait("impl A for B { fn f() {} }", 1, "g"));
        assert!(!in_impl_of_a_trait(")} fn f() {}", 1, "f"));
    }
}

//! A tokenizer for source files that keeps positions.

use std::iter::Peekable;
use std::str::CharIndices;

/// A position in a file, as rustc counts: lines and columns from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

pub(super) enum Token<'a> {
    Word(&'a str),
    Mark(char),
}

/// The tokens of a file. Comments and literals are left out.
#[derive(Clone)]
pub(super) struct SourceTokens<'a> {
    source: &'a str,
    chars: Peekable<CharIndices<'a>>,
    /// The position of the next character.
    position: Position,
    /// The position of the last token.
    start: Position,
}

impl<'a> SourceTokens<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        // rustc does not count a byte order mark.
        let source = source.trim_start_matches('\u{feff}');
        let position = Position { line: 1, column: 1 };
        Self { source, chars: source.char_indices().peekable(), position, start: position }
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.start = self.position;
            let (at, char) = self.advance()?;
            match char {
                '/' if self.is_next('/') => {
                    while self.advance().is_some_and(|(_, char)| char != '\n') {}
                }
                '/' if self.is_next('*') => self.skip_comment(),
                '"' => self.skip_string(),
                '\'' => self.skip_char_or_lifetime(),
                _ if char.is_whitespace() => {}
                _ if is_part_of_a_word(char) => {
                    let word = self.rest_of_word(at);
                    match word {
                        "r" | "br" | "cr" if self.is_next('"') || self.is_next('#') => {
                            if !self.skip_raw_string() {
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

    /// The next token with its position, if it is a word.
    pub(super) fn name(&mut self) -> Option<(Position, String)> {
        match self.next() {
            Some(Token::Word(word)) => Some((self.start, word.to_owned())),
            _ => None,
        }
    }

    /// The next token, if it is a mark.
    pub(super) fn mark(&mut self) -> Option<char> {
        match self.next() {
            Some(Token::Mark(mark)) => Some(mark),
            _ => None,
        }
    }

    fn advance(&mut self) -> Option<(usize, char)> {
        let next = self.chars.next()?;
        self.position = match next.1 {
            '\n' => Position { line: self.position.line + 1, column: 1 },
            _ => Position { column: self.position.column + 1, ..self.position },
        };
        Some(next)
    }

    fn is_next(&mut self, wanted: char) -> bool {
        self.chars.peek().is_some_and(|&(_, char)| char == wanted)
    }

    fn rest_of_word(&mut self, from: usize) -> &'a str {
        while self.chars.peek().is_some_and(|&(_, char)| is_part_of_a_word(char)) {
            self.advance();
        }
        let end = self.chars.peek().map_or(self.source.len(), |&(at, _)| at);
        &self.source[from..end]
    }

    /// Skips to the end of a block comment, which may contain others.
    fn skip_comment(&mut self) {
        let (mut depth, mut last) = (0usize, '/');
        while let Some((_, char)) = self.advance() {
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

    fn skip_string(&mut self) {
        while let Some((_, char)) = self.advance() {
            match char {
                '\\' => _ = self.advance(),
                '"' => return,
                _ => {}
            }
        }
    }

    /// Skips a raw string from its first `#` or quote. For `r#name`, which is no string, skips the `#` and returns
    /// false.
    fn skip_raw_string(&mut self) -> bool {
        let mut hashes = 0;
        while self.is_next('#') {
            self.advance();
            hashes += 1;
        }
        if !self.is_next('"') {
            return false;
        }
        self.advance();
        let mut met = None;
        while let Some((_, char)) = self.advance() {
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

    /// Skips a character or a lifetime, after its first quote.
    fn skip_char_or_lifetime(&mut self) {
        match self.advance() {
            Some((_, '\\')) => {
                self.advance();
                while self.advance().is_some_and(|(_, char)| char != '\'') {}
            }
            Some(_) if self.is_next('\'') => _ = self.advance(),
            Some((at, _)) => _ = self.rest_of_word(at),
            None => {}
        }
    }
}

fn is_part_of_a_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

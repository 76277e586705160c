//! What a command prints: text for people, or one JSON document a line.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

use memo_core::error::Error;
use memo_core::inspect::shown;
use serde::Serialize;

use crate::failure::unwritten;

/// How often a progress bar is drawn at most.
const EACH: Duration = Duration::from_millis(100);
/// The width of a progress bar in characters.
const WIDTH: u64 = 30;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Bold,
    Good,
    Bad,
}

/// Standard output.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
    pub(crate) is_json: bool,
    has_colours: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        let has_colours = !is_json && io::stdout().is_terminal() && wants_colours();
        Self { out: BufWriter::new(io::stdout()), is_json, has_colours }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Error> {
        self.write(text.as_bytes())?;
        self.write(b"\n")
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(|e| unwritten(&e))
    }

    /// Writes a JSON document on a line of its own.
    pub(crate) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let written = serde_json::to_writer(&mut self.out, document);
        written.map_err(|e| unwritten(&e.into()))?;
        self.write(b"\n")
    }

    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(|e| unwritten(&e))
    }

    /// Returns text in a style, if this is a terminal.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        if !self.has_colours {
            return text.to_owned();
        }
        let code = match style {
            Style::Bold => 1,
            Style::Good => 32,
            Style::Bad => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Begins what follows at the top of the screen, if this is a terminal.
    pub(crate) fn clear_screen(&mut self) -> Result<(), Error> {
        if self.is_json || !io::stdout().is_terminal() {
            return Ok(());
        }
        self.write(b"\x1b[H\x1b[2J")
    }

    /// Writes rows as columns. The first row is their heading; columns of `right` are aligned to the right.
    pub(crate) fn table(&mut self, rows: &[Vec<String>], right: &[usize]) -> Result<(), Error> {
        let columns = rows.first().map_or(0, Vec::len);
        let width = |column: usize| rows.iter().map(|row| shown_len(&row[column])).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for (n, row) in rows.iter().enumerate() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - shown_len(cell));
                let cell = if n == 0 { self.styled(Style::Bold, cell) } else { cell.clone() };
                let (before, after) = if right.contains(&column) {
                    (pad, String::new())
                } else {
                    (String::new(), pad)
                };
                let separator = if column == 0 { "" } else { "  " };
                line += &format!("{separator}{before}{cell}{after}");
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// Returns the number of characters that a terminal shows of a text: without colours.
fn shown_len(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().map_or(0, |part| part.chars().count());
    let rest = parts.map(|part| part.split_once('m').map_or(0, |(_, shown)| shown.chars().count()));
    first + rest.sum::<usize>()
}

/// Returns whether the environment allows colours (no-color.org).
fn wants_colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Tells a person something that is not the result.
pub(crate) fn note(text: &str) {
    for line in text.lines() {
        // Nobody can be told that this failed.
        let _ = writeln!(io::stderr(), "{}", shown(line));
    }
}

/// A progress bar on standard error, if that is a terminal.
pub(crate) struct Progress {
    label: String,
    is_shown: bool,
    drawn: Option<Instant>,
}

impl Progress {
    pub(crate) fn new(label: &str, is_json: bool) -> Self {
        let is_shown = !is_json && io::stderr().is_terminal();
        Self { label: label.to_owned(), is_shown, drawn: None }
    }

    pub(crate) fn at(&mut self, done: u64, total: u64) {
        if !self.is_shown || self.drawn.is_some_and(|at| at.elapsed() < EACH && done < total) {
            return;
        }
        self.drawn = Some(Instant::now());
        let share = |of: u64| done.saturating_mul(of) / total.max(1);
        let full = usize::try_from(share(WIDTH)).unwrap_or_default();
        let (full, percent) = ("#".repeat(full), share(100));
        let width = usize::try_from(WIDTH).unwrap_or_default();
        let _ = write!(io::stderr(), "\r[{full:.<width$}] {percent:>3} % {}", self.label);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

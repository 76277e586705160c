//! Prints tables, or the same data as JSON lines.

/// The content of one cell of a row.
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    /// Empty: the contender does not have this figure, or it is the ratio of memokit with itself.
    Nothing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

/// A column: its name, its width in characters, and the number of decimals of its numbers.
pub(crate) struct Column(pub(crate) &'static str, pub(crate) usize, pub(crate) usize);

/// Prints each row immediately, so that a run that is interrupted has shown what it measured.
pub(crate) struct Table {
    json: bool,
    columns: &'static [Column],
    /// The first cell of the last row. It is printed only once for consecutive rows.
    group: String,
}

impl Table {
    pub(crate) fn begin(json: bool, columns: &'static [Column]) -> Self {
        if !json {
            let names = columns.iter().enumerate().map(|(at, column)| {
                let text = at < 2;
                aligned(column.0, column.1, text)
            });
            println!("{}", names.collect::<Vec<_>>().join("  ").trim_end());
        }
        Self { json, columns, group: String::new() }
    }

    /// The first two columns are text.
    pub(crate) fn row<const N: usize>(&mut self, cells: &[Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        if self.json {
            let fields =
                self.columns.iter().zip(cells).filter_map(|(column, cell)| field(column, cell));
            println!("{{{}}}", fields.collect::<Vec<_>>().join(","));
            return;
        }
        let mut shown: Vec<_> = self.columns.iter().zip(cells).map(shown).collect();
        if let Cell::Text(group) = &cells[0] {
            if *group == self.group {
                shown[0] = aligned("", self.columns[0].1, true);
            }
            self.group.clone_from(group);
        }
        println!("{}", shown.join("  ").trim_end());
    }
}

fn field(column: &Column, cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(format!(r#""{}":"{text}""#, column.0)),
        Cell::Number(number) => Some(format!(r#""{}":{number:.1$}"#, column.0, column.2.max(3))),
        Cell::Nothing => None,
    }
}

fn shown((column, cell): (&Column, &Cell)) -> String {
    match cell {
        Cell::Text(text) => aligned(text, column.1, true),
        Cell::Number(number) => aligned(&format!("{number:.0$}", column.2), column.1, false),
        Cell::Nothing => aligned("", column.1, false),
    }
}

fn aligned(text: &str, width: usize, left: bool) -> String {
    if left { format!("{text:<width$}") } else { format!("{text:>width$}") }
}

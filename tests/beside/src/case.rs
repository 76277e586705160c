//! One row with one order of the attributes: a program.

use crate::family::{Family, Row};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// `#[memoize]` stands above the other attribute, so it runs first.
    Above,
    /// `#[memoize]` stands below it, or inside the item that has it.
    Below,
}

pub(crate) struct Case<'a> {
    pub(crate) name: String,
    pub(crate) row: &'a Row,
    order: Order,
}

impl<'a> Case<'a> {
    /// The case of a row. None if `#[memoize]` cannot stand there.
    pub(crate) fn of(family: &Family, row: &'a Row, order: Order) -> Option<Self> {
        let suffix = match order {
            Order::Above => "above",
            Order::Below => "below",
        };
        let name = format!("{}_{}_{suffix}", family.name, row.name);
        (row.attribute.is_some() || order == Order::Below).then_some(Self { name, row, order })
    }

    pub(crate) fn all(families: &'a [Family]) -> impl Iterator<Item = Self> {
        families.iter().flat_map(|family| {
            family.rows.iter().flat_map(move |row| {
                [Order::Above, Order::Below]
                    .into_iter()
                    .filter_map(|order| Self::of(family, row, order))
            })
        })
    }

    /// Where its program stands in the package.
    pub(crate) fn path(&self) -> String {
        // An example is only checked.
        let folder = if self.row.call.is_some() { "src/bin" } else { "examples" };
        format!("{folder}/{}.rs", self.name)
    }

    /// The source of the program.
    pub(crate) fn source(&self) -> String {
        let memoize = format!("#[{}]", self.row.memoize);
        let attribute = self.row.attribute.as_deref().unwrap_or_default();
        let both = match self.order {
            Order::Above => format!("{memoize}\n{attribute}"),
            Order::Below => format!("{attribute}\n{memoize}"),
        };
        let code = self.row.code.replace("@memoize", &memoize).replace("@both", &both);
        format!(
            "#![allow(unused)]\nuse beside::*;\nuse memokit::memoize;\n\n{code}\n{}",
            self.main()
        )
    }

    fn main(&self) -> String {
        let Row { before, after, .. } = self.row;
        match &self.row.call {
            Some(call) => {
                format!("fn main() {{\n{before}\nmeasure_with(|| {call}, || {{ {after} }});\n}}\n")
            }
            None if self.row.code.contains("fn main(") => String::new(),
            None => "fn main() {}\n".to_owned(),
        }
    }
}

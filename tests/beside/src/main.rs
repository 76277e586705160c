//! Writes docs/attributes.md to the standard output: `beside DATE`. `beside DATE FAMILY` writes the table of one family
//! only. scripts/beside.sh runs it.
//!
//! Each row of families/*.toml is one or two programs, one for each order of `#[memoize]` and the other attribute. A
//! row with a `call` is built and run, and counts its computations. The others are only checked.

mod case;
mod family;
mod package;
mod page;
mod programs;

use std::error::Error;

use family::Family;

fn main() -> Result<(), Box<dyn Error>> {
    let date = std::env::args().nth(1).ok_or("the date is missing")?;
    let mut families = Family::all()?;
    if let Some(name) = std::env::args().nth(2) {
        families.retain(|family| family.name == name);
    }
    let package = package::write(&families)?;
    let found = programs::outcomes(&package, &families)?;
    print!("{}", page::of(&families, &found, &date)?);
    Ok(())
}

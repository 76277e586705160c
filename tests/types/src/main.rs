//! Observes types of other crates under `#[memoize]` and prints docs/types.md. Each family of types is a file, and all
//! but that of the standard library are features. `memo-types tables` prints only the tables of the families that are
//! built.

#[cfg(feature = "documents")]
mod documents;
#[cfg(feature = "json_features")]
mod json_features;
#[cfg(feature = "maps")]
mod maps;
#[cfg(feature = "net")]
mod net;
#[cfg(feature = "numbers")]
mod numbers;
mod page;
mod row;
#[cfg(feature = "sequences")]
mod sequences;
#[cfg(feature = "space")]
mod space;
mod standard;
mod storage;
mod subject;
#[cfg(feature = "text")]
mod text;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "trees")]
mod trees;
#[cfg(feature = "wrappers")]
mod wrappers;

use page::{Family, page, table};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("tables") => families().iter().for_each(|family| print!("{}", table(family))),
        _ => {
            let rustc =
                std::env::var("RUSTC_VERSION").expect("scripts/types.sh gives RUSTC_VERSION");
            print!("{}", page(&families(), &rustc));
        }
    }
}

/// The families that are built, in the order of the page.
fn families() -> Vec<Family> {
    vec![
        Family { title: "Standard library", rows: standard::rows() },
        #[cfg(feature = "wrappers")]
        Family { title: "Attributes of serde, and closures", rows: wrappers::rows() },
        #[cfg(feature = "numbers")]
        Family { title: "Numbers", rows: numbers::rows() },
        #[cfg(feature = "time")]
        Family { title: "Time", rows: time::rows() },
        #[cfg(feature = "net")]
        Family { title: "Network", rows: net::rows() },
        #[cfg(feature = "text")]
        Family { title: "Text and identifiers", rows: text::rows() },
        #[cfg(feature = "sequences")]
        Family { title: "Sequences and sets of bits", rows: sequences::rows() },
        #[cfg(feature = "maps")]
        Family { title: "Maps and sets", rows: maps::rows() },
        #[cfg(feature = "trees")]
        Family { title: "Slot maps, graphs and trees", rows: trees::rows() },
        #[cfg(feature = "space")]
        Family { title: "Space and colours", rows: space::rows() },
        #[cfg(feature = "documents")]
        Family { title: "Documents", rows: documents::rows() },
        #[cfg(feature = "json_features")]
        Family {
            title: "serde_json with `arbitrary_precision` and `preserve_order`",
            rows: json_features::rows(),
        },
    ]
}

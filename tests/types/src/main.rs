//! Observes types of other crates under `#[memoize]` and prints docs/types.md. Each family of types is a file.

mod maps;
mod net;
mod page;
mod row;
mod standard;
mod storage;
mod subject;
mod text;
mod time;
mod wrappers;

use page::{Family, page};

fn main() {
    let rustc = std::env::var("RUSTC_VERSION").expect("scripts/types.sh gives RUSTC_VERSION");
    let families = [
        Family { title: "Standard library", rows: standard::rows() },
        Family { title: "Attributes of serde, and closures", rows: wrappers::rows() },
        Family { title: "Time", rows: time::rows() },
        Family { title: "Network", rows: net::rows() },
        Family { title: "Text and identifiers", rows: text::rows() },
        Family { title: "Maps and sets", rows: maps::rows() },
    ];
    print!("{}", page(&families, &rustc));
}

//! The rows of the guide's page on moving over (src/guide/moving_over.md), each as a test: what is written with another
//! cache, what is written with memokit, and that both do what the row says. Of Python's caches there is only our side.
#![allow(clippy::needless_pass_by_value, reason = "other caches want owned arguments")]
#![allow(clippy::unnecessary_operation, reason = "calls are made for what they leave in the cache")]

mod calls;
mod from_cached;
mod from_cached_1;
mod from_cached_results;
mod from_cached_statics;
mod from_functools;
mod from_joblib;
mod from_memoize;
mod from_moka;
mod from_quick_cache;

/// A section of the page, and the sources of its tests.
const SECTIONS: [(&str, &str); 7] = [
    (
        "From cached",
        concat!(
            include_str!("from_cached.rs"),
            include_str!("from_cached_results.rs"),
            include_str!("from_cached_statics.rs")
        ),
    ),
    ("From cached before 2.0", include_str!("from_cached_1.rs")),
    ("From memoize", include_str!("from_memoize.rs")),
    ("From moka by hand", include_str!("from_moka.rs")),
    ("From quick_cache by hand", include_str!("from_quick_cache.rs")),
    ("From functools.lru_cache", include_str!("from_functools.rs")),
    ("From joblib.Memory", include_str!("from_joblib.rs")),
];

/// The names of the rows of a section: the first cells of its tables, without the heading and the line below it.
fn rows(section: &str) -> Vec<&str> {
    let page = include_str!("../../../src/guide/moving_over.md");
    let start = page.find(&format!("# {section}\n")).expect("the page has the section");
    let section = &page[start + 1..];
    let section = &section[..section.find("\n# ").unwrap_or(section.len())];
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[test]
fn each_row_has_a_test() {
    for (section, source) in SECTIONS {
        let rows = rows(section);
        assert!(!rows.is_empty(), "no rows in {section}");
        for row in rows {
            assert!(source.contains(&format!("fn {row}()")), "no test for {row} in {section}");
        }
    }
}

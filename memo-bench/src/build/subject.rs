//! The crates that are built. They have the same functions, cached in different ways.

use std::fs;
use std::io;
use std::path::Path;

pub(super) const NAME: &str = "subject";

/// The number of functions in a crate with many. They have the shapes of [`SHAPES`], one after another.
pub(super) const COUNT: usize = 200;

const OPTS: &str = "\
#[derive(serde::Serialize, Clone, PartialEq, Eq, Hash)]
pub struct Opts { pub query: String, pub limit: u32 }
";

/// The shapes of functions. `N` is replaced by the number of the function.
const SHAPES: [&str; 4] = [
    "pub fn fN(n: u64) -> u64 { n.wrapping_mul(N) }",
    "pub fn fN(name: &str, n: u32) -> String { format!(\"{name}{n}N\") }",
    "pub fn fN(opts: &Opts) -> Vec<u32> { vec![opts.limit, N] }",
    "pub fn fN(a: u32, b: bool) -> Result<u64, String> { b.then_some(a.into()).ok_or(\"N\".into()) }",
];

pub(super) struct Subject {
    pub(super) name: &'static str,
    /// The dependencies, by their names in memo-bench's manifest.
    needs: &'static [&'static str],
    source: Source,
}

enum Source {
    Whole(&'static str),
    /// The attribute of each shape.
    Many([&'static str; 4]),
}

use Source::{Many, Whole};

const MEMOIZED: &str = "#[memokit::memoize(max = 1000)] pub fn f(n: u64) -> u64 { n * 3 }";

/// Crates with one memoized function each. Rivals without an attribute are called by hand.
pub(super) const ONE: [Subject; 6] = [
    Subject { name: "memokit", needs: &["memokit"], source: Whole(MEMOIZED) },
    Subject { name: "memokit-disk", needs: &["memokit-disk"], source: Whole(MEMOIZED) },
    Subject {
        name: "quick_cache",
        needs: &["quick_cache"],
        source: Whole(
            "use std::sync::LazyLock;
            static CACHE: LazyLock<quick_cache::sync::Cache<u64, u64>> =
                LazyLock::new(|| quick_cache::sync::Cache::new(1000));
            pub fn f(n: u64) -> u64 {
                CACHE.get(&n).unwrap_or_else(|| { CACHE.insert(n, n * 3); n * 3 })
            }",
        ),
    },
    Subject {
        name: "cached",
        needs: &["cached"],
        source: Whole(
            "#[cached::macros::concurrent_cached(max_size = 1000)] pub fn f(n: u64) -> u64 { n * 3 }",
        ),
    },
    Subject {
        name: "moka",
        needs: &["moka"],
        source: Whole(
            "use std::sync::LazyLock;
            static CACHE: LazyLock<moka::sync::Cache<u64, u64>> =
                LazyLock::new(|| moka::sync::Cache::new(1000));
            pub fn f(n: u64) -> u64 { CACHE.get_with(n, || n * 3) }",
        ),
    },
    Subject {
        name: "memoize",
        needs: &["memoize"],
        source: Whole(
            "#[memoize::memoize(SharedCache, Capacity: 1000)] pub fn f(n: u64) -> u64 { n * 3 }",
        ),
    },
];

const MEMOKIT: &str = "#[memokit::memoize(max = 1000)]";

/// Crates with many functions. memoize is not among them because it takes no borrowed arguments, nor rivals without an
/// attribute, because the cost of the attribute is measured.
pub(super) const MANY: [Subject; 3] = [
    Subject { name: "memokit", needs: &["memokit", "serde"], source: Many([MEMOKIT; 4]) },
    Subject { name: "plain", needs: &["serde"], source: Many([""; 4]) },
    Subject {
        name: "cached",
        needs: &["cached", "serde"],
        source: Many([
            "#[cached::macros::concurrent_cached(max_size = 1000)]",
            "#[cached::macros::concurrent_cached(max_size = 1000, \
             key = \"(String, u32)\", convert = { (name.to_owned(), n) })]",
            "#[cached::macros::concurrent_cached(max_size = 1000, \
             key = \"Opts\", convert = { opts.clone() })]",
            "#[cached::macros::concurrent_cached(max_size = 1000)]",
        ]),
    },
];

impl Subject {
    pub(super) fn has_many(&self) -> bool {
        matches!(self.source, Many(_))
    }

    /// Writes the package, with `count` functions if it has many. It has the lock file of this workspace.
    pub(super) fn write(&self, directory: &Path, count: usize) -> io::Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::create_dir_all(directory.join("src"))?;
        fs::write(directory.join("Cargo.toml"), self.manifest(&root))?;
        fs::write(directory.join("src/lib.rs"), self.source(count))?;
        fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock")).map(drop)
    }

    fn manifest(&self, root: &Path) -> String {
        let mut manifest = format!(
            "[package]\nname = \"{NAME}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n[dependencies]\n"
        );
        for name in self.needs {
            manifest += &match *name {
                "memokit" => format!("memokit = {{ path = {:?} }}\n", root.display().to_string()),
                "memokit-disk" => format!(
                    "memokit = {{ path = {:?}, features = [\"persist\"] }}\n",
                    root.display().to_string()
                ),
                "serde" => "serde = { version = \"1\", features = [\"derive\"] }\n".to_owned(),
                "cached" => by_default("cached"),
                other => requirement(other),
            };
        }
        manifest
    }

    fn source(&self, count: usize) -> String {
        match self.source {
            Whole(source) => source.to_owned(),
            Many(attributes) => {
                let functions = (0..count).map(|at| {
                    let (attribute, shape) = (attributes[at % 4], SHAPES[at % 4]);
                    format!("{attribute}\n{}\n", shape.replace('N', &at.to_string()))
                });
                OPTS.to_owned() + &functions.collect::<String>()
            }
        }
    }
}

/// Returns the line of a dependency in memo-bench's manifest, so that the versions are those that memo-bench compares.
fn requirement(name: &str) -> String {
    let manifest = include_str!("../../Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with(&format!("{name} = ")));
    format!("{}\n", line.expect("memo-bench depends on every rival"))
}

/// Returns the same dependency with default features only, without the features that memo-bench enables.
fn by_default(name: &str) -> String {
    let line = requirement(name);
    let version =
        line.split('"').find(|part| part.starts_with(|first: char| first.is_ascii_digit()));
    format!("{name} = \"{}\"\n", version.expect("each line has a version"))
}

//! Expansions as a user would read them, compared with the files in `snapshots/`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p memo-macros` writes these files.

use std::path::PathBuf;
use std::{env, fs};

use proc_macro2::TokenStream;

use crate::{expand, expand_impl};

#[track_caller]
fn snapshot(name: &str, arguments: &str, item: &str) -> String {
    let expansion = expand(arguments.parse().unwrap(), &item.parse().unwrap(), &["seed"], || None);
    compare(name, expansion)
}

#[track_caller]
fn compare(name: &str, expansion: TokenStream) -> String {
    let file = syn::parse2(expansion).expect("an expansion is a file of items");
    let text = prettyplease::unparse(&file);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/snapshots").join(name);
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &text).expect("the snapshot is written");
    }
    let expected = fs::read_to_string(&path).expect("the snapshot exists: set UPDATE_SNAPSHOTS=1");
    assert!(text == expected, "{name} changed (UPDATE_SNAPSHOTS=1 accepts it):\n{text}");
    text
}

#[test]
fn plain() {
    let text = snapshot(
        "plain.rs",
        r#"ttl = "30s", max = 1000, persist = "cache/quotes""#,
        "/// The price of a share.
        pub fn quote(symbol: &str, opts: &QuoteOptions) -> Result<Quote, ApiError> {
            let answer = ask(symbol, opts)?;
            parse(answer)
        }",
    );
    assert!(text.lines().count() <= 60, "{} lines", text.lines().count());
}

#[test]
fn no_arguments() {
    let text = snapshot("no_arguments.rs", "", "fn seed(a: u32, b: &str) -> u64 { plant(a, b) }");
    assert!(text.lines().count() <= 60, "{} lines", text.lines().count());
}

#[test]
fn method() {
    snapshot(
        "method.rs",
        "skip(verbose), cache_if = |found| found.is_some()",
        "#[track_caller]
        #[deprecated]
        pub(crate) unsafe fn find(&self, mut depth: u32, (a, _): (u8, u8), verbose: bool) -> Option<Self> {
            unsafe { self.search(depth, a) }
        }",
    );
}

#[test]
fn method_with_a_cache_for_each_object() {
    snapshot(
        "method_of_an_object.rs",
        "scope = \"instance\", max = 10",
        "pub fn page(&self, path: &str) -> String { self.fetch(path) }",
    );
    snapshot(
        "task_of_an_object.rs",
        "scope = \"instance\", cache = self.state.cache, companion = none",
        "async fn page(self: Arc<Self>, path: String) -> String { self.fetch(path).await }",
    );
}

#[test]
fn method_of_a_trait() {
    snapshot(
        "method_of_a_trait.rs",
        "companion = none, cache_err = \"2s\", name = \"area\"",
        "fn area(self: Arc<Self>) -> Result<f64, Self::Error> { self.width()? * self.height()? }",
    );
}

#[test]
fn task() {
    let text = snapshot(
        "task.rs",
        r#"ttl = "30s", stale = "1m", refresh_ahead = 0.8, wait_limit = "5s""#,
        "#[must_use]
        pub async fn quote(symbol: &str, mut tries: u32) -> Result<Quote, ApiError> {
            tries += 1;
            ask(symbol, tries).await?.parse()
        }",
    );
    assert!(text.lines().count() <= 85, "{} lines", text.lines().count());
}

#[test]
fn shared_tier() {
    snapshot(
        "shared_tier.rs",
        r#"remote = redis(), write = "through", remote_limit = "100ms", stale_while_disconnected = LIMIT"#,
        "fn quote(symbol: &str) -> String { ask(symbol) }",
    );
    snapshot(
        "shared_tier_of_a_method.rs",
        "remote = Self::tier(), companion = none",
        "fn quote(&self) -> String { self.ask() }",
    );
    snapshot(
        "shared_tier_with_a_directory.rs",
        r#"persist = "cache/quotes", remote = redis(), write = "behind", codec = Json, companion = none"#,
        "fn quote(&self) -> String { self.ask() }",
    );
}

#[test]
fn refresh_behind_a_call() {
    snapshot(
        "refresh.rs",
        r#"ttl = "30s", stale = "1m", spawn = std::thread::spawn, cache_if = |found| found.is_some()"#,
        "fn find(name: String) -> Option<u8> { search(name) }",
    );
    snapshot(
        "refresh_task.rs",
        r#"ttl = "30s", refresh_ahead = 0.8, spawn = tokio::spawn"#,
        "async fn find(name: String) -> Option<u8> { search(name).await }",
    );
}

#[test]
fn method_that_is_a_task() {
    snapshot(
        "method_that_is_a_task.rs",
        "verify = 0.5, cache_if = |found| found.is_some()",
        "async unsafe fn find(mut self: Arc<Self>, (a, _): (u8, u8)) -> Option<u8> { self.at(a).await }",
    );
}

#[test]
fn patterns_and_conditions() {
    snapshot(
        "patterns_and_conditions.rs",
        "version = 3, max = LIMIT, ttl = config().ttl, crate = crate::memo",
        "fn mix((a, b): (u8, u8), #[cfg(unix)] mut c: u8, _: &str) -> u8 { c += a; c + b }",
    );
}

#[test]
fn shared_instances() {
    snapshot(
        "shared_instances.rs",
        "key = path.as_ref().to_owned(), instances = \"shared\"",
        "fn load(path: impl AsRef<Path>) -> Config { read(path) }",
    );
}

#[test]
fn key_over_a_pattern() {
    snapshot(
        "key_over_a_pattern.rs",
        "key = a + b",
        "fn mix((a, mut b): (u8, u8)) -> u8 { b += a; b }",
    );
}

#[test]
fn advised() {
    snapshot(
        "advised.rs",
        "max = 1000, advise, cache_err",
        "fn find(id: u32) -> Result<u8, E> { g(id) }",
    );
}

#[test]
fn tracked_caller() {
    snapshot(
        "tracked_caller.rs",
        "companion = blame_of",
        "#[track_caller] #[unsafe(no_mangle)] extern \"C\" fn blame(r#mod: u32) -> u32 { here() }",
    );
}

#[test]
fn mistakes_leave_the_function_and_its_companions() {
    snapshot("mistakes.rs", "tll = \"30s\", max = 0", "fn f(a: u32) -> u32 { a }");
    snapshot("mistake_in_the_type.rs", "", "fn f(a: &str) -> &str { a }");
    snapshot("no_function.rs", "", "struct Quote { price: u32 }");
}

#[test]
fn explained() {
    snapshot(
        "explained.rs",
        "explain, skip(log)",
        "fn find(&self, mut depth: u32, (a, _): (u8, u8), #[cfg(unix)] r#type: u8, log: &Log) -> u8 { a }",
    );
}

#[test]
fn impls_of_traits() {
    let compare = |name: &str, arguments: &str, item: &str| {
        compare(name, expand_impl(arguments.parse().unwrap(), &item.parse().unwrap(), &["seed"]));
    };
    compare(
        "impl_of_a_trait.rs",
        "pub",
        "impl Market for Exchange {
            type Error = Closed;
            #[memoize(max = Self::MAX, cache_err)]
            fn quote(&self, symbol: &str) -> Result<Quote, Self::Error> { self.ask(symbol) }
            fn close(&self) {}
        }",
    );
    compare(
        "impl_for_any_type.rs",
        "pub(crate) trait Caches",
        "impl<'a, T: Serialize, const N: usize> Market<T> for [T; N] where T: Copy {
            type Quote = Vec<T>;
            #[memoize(key = (a, b))]
            fn quote<U: Into<T>>(&self, (a, b): (U, u8)) -> Self::Quote { vec![a.into()] }
        }",
    );
}

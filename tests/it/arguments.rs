//! The arguments `skip`, `key`, `version`, `name`, `companion` and `crate`. Each setting is evaluated once.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;
use serde::Serialize;

/// A type without `Serialize`, such as a connection.
struct Connection(u32);

#[test]
fn skipped_parameters_are_not_part_of_the_key() {
    #[memoize(skip(connection, verbose))]
    fn row(connection: &Connection, id: u32, verbose: bool) -> u32 {
        if verbose { 0 } else { connection.0 + id }
    }
    assert_eq!(row(&Connection(10), 1, false), 11);
    assert_eq!(row(&Connection(20), 1, false), 11);
    assert_eq!(row(&Connection(20), 1, true), 11);
    assert_eq!(row(&Connection(20), 2, false), 22);
    assert_eq!(row_memo().get(&row_key(2)), Some(22));
    assert_eq!(row_uncached(&Connection(20), 1, false), 21);
}

#[test]
fn a_function_with_all_parameters_skipped_has_one_entry() {
    #[memoize(skip(a))]
    #[allow(clippy::needless_pass_by_value)]
    fn constant(a: Connection) -> u32 {
        a.0
    }
    assert_eq!((constant(Connection(1)), constant(Connection(2))), (1, 1));
}

#[derive(Serialize)]
struct Id<'a>(&'a str, u32);

struct Request {
    path: String,
    id: u32,
    seen: Cell<u32>,
}

#[test]
fn the_key_expression_replaces_the_parameters() {
    #[memoize(key = Id(&request.path.to_lowercase(), request.id))]
    fn page(request: &Request) -> String {
        request.seen.set(request.seen.get() + 1);
        format!("{}{}", request.path, request.id)
    }
    let request = |path: &str, id| Request { path: path.into(), id, seen: Cell::new(0) };
    assert_eq!(page(&request("/A", 1)), "/A1");
    let again = request("/a", 1);
    assert_eq!((page(&again), again.seen.get()), ("/A1".into(), 0));
    assert_eq!(page(&request("/a", 2)), "/a2");
    assert_eq!(page_memo().get(&page_key(&request("/A", 2))), Some("/a2".into()));
    assert_eq!(page_memo().len(), 2);
}

/// What needs a database to compute needs none to forget.
#[test]
fn a_key_takes_only_what_makes_it() {
    struct Client(u32);
    impl Client {
        #[memoize(skip(self, trace))]
        fn get(&self, id: u32, trace: impl Fn(u32)) -> u32 {
            trace(id);
            self.0 + id
        }

        #[memoize(key = (table, format!("{id}")))]
        fn row<C, T>(&self, connection: &C, (id, _): (u32, T), table: &str) -> u32
        where
            C: Fn(u32) -> u32,
            T: Clone,
        {
            connection(id) + u32::from(!table.is_empty()) * 4 + self.0
        }
    }
    let client = Client(1);
    let trace: fn(u32) = |_| {};
    assert_eq!(client.get(2, trace), 3);
    assert_eq!(Client::get_memo::<fn(u32)>().get(&Client::get_key(2)), Some(3));
    let double: fn(u32) -> u32 = |n| n * 2;
    assert_eq!(client.row(&double, (2, 'x'), "rows"), 9);
    let memo = Client::row_memo::<fn(u32) -> u32, char>();
    assert!(memo.invalidate(&Client::row_key((2, 'x'), "rows")) && memo.is_empty());
}

/// Owned parameters in a tuple are not moved into the key.
#[test]
fn a_tuple_of_owned_parameters_is_a_key() {
    struct Place {
        station: String,
    }
    #[memoize(key = (url, (place.station, n), n + 1))]
    fn page(url: String, place: Place, n: u32) -> String {
        format!("{url}/{}/{n}", place.station)
    }
    #[memoize(key = (a, b))]
    async fn joined(a: String, b: Vec<u8>) -> usize {
        a.len() + b.len()
    }
    let place = || Place { station: "north".to_owned() };
    for _ in 0..2 {
        assert_eq!(page("u".to_owned(), place(), 1), "u/north/1");
        assert_eq!(crate::tasks::block_on(joined("a".to_owned(), vec![1])), 2);
    }
    assert_eq!((page_memo().stats().hits, joined_memo().stats().hits), (1, 1));
    let key = page_key("u".to_owned(), place(), 1);
    assert_eq!(page_memo().get(&key).as_deref(), Some("u/north/1"));
}

/// Neither does it take the types that only skipped parameters bring, such as that of a closure's future.
#[test]
fn a_key_has_no_type_of_a_skipped_parameter() {
    #[memoize(skip(fetch))]
    async fn fetched<F, Fut>(fetch: F, id: u32) -> u32
    where
        F: Fn(u32) -> Fut,
        Fut: Future<Output = u32>,
    {
        fetch(id).await
    }
    #[memoize(skip(compute))]
    fn computed<F: Fn() -> R, R: Clone + Send + Sync + 'static, U>(compute: F, id: u32) -> R {
        let _ = id;
        compute()
    }
    let five: fn(u32) -> std::future::Ready<u32> = |id| std::future::ready(id + 4);
    assert_eq!(crate::tasks::block_on(fetched(five, 1)), 5);
    let memo = fetched_memo::<fn(u32) -> std::future::Ready<u32>, std::future::Ready<u32>>();
    assert_eq!(memo.get(&fetched_key(1)), Some(5));
    let text: fn() -> &'static str = || "text";
    assert_eq!(computed::<_, _, u8>(text, 1), "text");
    let memo = computed_memo::<fn() -> &'static str, &'static str, u8>();
    assert_eq!(memo.get(&computed_key::<u8>(1)), Some("text"));
}

#[test]
fn the_key_expression_sees_arguments_before_the_body_changes_them() {
    #[memoize(key = list.len())]
    fn drained(mut list: Vec<u32>) -> usize {
        let all = list.drain(..).count();
        all + list.len()
    }
    assert_eq!((drained(vec![1, 2]), drained(vec![3, 4]), drained(vec![1])), (2, 2, 1));
    assert_eq!(drained_memo().stats().hits, 1);
}

#[test]
fn the_key_expression_sees_the_bindings_of_patterns() {
    #[memoize(key = a + b)]
    fn sum((a, mut b): (u32, u32), [c, ..]: [u32; 2]) -> u32 {
        b += c;
        a + b
    }
    assert_eq!((sum((1, 2), [1, 0]), sum((2, 1), [5, 5])), (4, 4));
    assert_eq!(sum_memo().get(&sum_key((0, 3))), Some(4));
}

#[test]
fn braces_around_a_key_do_not_move_it() {
    #[memoize(key = { name })]
    fn length(name: String) -> usize {
        name.len()
    }
    #[memoize(key = { (pair.0, name) })]
    async fn joined(pair: (String, u32), name: String) -> String {
        format!("{}{}{name}", pair.0, pair.1)
    }
    assert_eq!((length("ab".to_owned()), length("ab".to_owned())), (2, 2));
    assert_eq!(length_memo().stats().hits, 1);
    let pair = |n| ("a".to_owned(), n);
    drop(joined(pair(1), String::new()));
    assert_eq!(joined_key(pair(1), "b".to_owned()), joined_key(pair(2), "b".to_owned()));
}

#[test]
fn the_key_expression_releases_borrows_and_locks_before_the_body() {
    use std::sync::Mutex;
    #[memoize(key = *state.lock().unwrap())]
    fn doubled(state: &Mutex<u32>) -> u32 {
        *state.try_lock().expect("the lock is free") * 2
    }
    assert_eq!((doubled(&Mutex::new(2)), doubled(&Mutex::new(2))), (4, 4));
    assert_eq!(doubled_memo().stats().hits, 1);
}

#[test]
fn settings_are_evaluated_once_and_at_the_first_call() {
    static EVALUATIONS: AtomicU32 = AtomicU32::new(0);
    fn configured() -> usize {
        EVALUATIONS.fetch_add(1, Relaxed);
        3
    }
    #[memoize(max = configured())]
    fn held(n: u32) -> u32 {
        n
    }
    assert_eq!(EVALUATIONS.load(Relaxed), 0);
    held(1);
    held(2);
    held_memo().clear();
    held(1);
    assert_eq!(held_memo().max(), Some(3));
    assert_eq!(EVALUATIONS.load(Relaxed), 1);
}

#[test]
fn settings_are_evaluated_once_for_all_threads_and_companions() {
    static EVALUATIONS: AtomicU32 = AtomicU32::new(0);
    fn configured() -> usize {
        EVALUATIONS.fetch_add(1, Relaxed);
        std::thread::sleep(std::time::Duration::from_millis(5));
        3
    }
    #[memoize(max = configured())]
    fn held(n: u32) -> u32 {
        n
    }
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || if n % 2 == 0 { held(1) as usize } else { held_memo().len() });
        }
    });
    assert_eq!(EVALUATIONS.load(Relaxed), 1);
    assert_eq!(held_memo().stats().misses, 1);
}

#[test]
fn the_name_appears_in_reports() {
    #[memoize(name = "prices of it")]
    fn named(n: u32) -> u32 {
        n
    }
    #[memoize]
    fn unnamed(n: u32) -> u32 {
        n
    }
    assert_eq!(named_memo().stats().name, "prices of it");
    assert_eq!(unnamed_memo().stats().name, "it::arguments::unnamed");
}

#[test]
fn companions_can_have_another_stem() {
    #[memoize(companion = price)]
    fn quote(n: u32) -> u32 {
        n * 2
    }
    /// Takes the name that a companion of `quote` would have.
    fn quote_memo() -> u32 {
        9
    }
    assert_eq!((quote(2), quote_memo()), (4, 9));
    assert_eq!(price_memo().get(&price_key(2)), Some(4));
    assert_eq!(price_uncached(3), 6);
}

#[test]
fn companion_none_generates_no_companions() {
    #[memoize(companion = none, max = 3)]
    fn alone(n: u32) -> u32 {
        n * 2
    }
    fn alone_memo() {}
    fn alone_key() {}
    fn alone_uncached() {}
    assert_eq!((alone(2), alone(2)), (4, 4));
    alone_memo();
    alone_key();
    alone_uncached();
    let report = memokit::report();
    let quotes = report.caches().iter().find(|stats| stats.name == "it::arguments::alone");
    assert_eq!(quotes.map(|stats| (stats.hits, stats.misses)), Some((1, 1)));
}

/// A framework that re-exports memokit.
mod framework {
    pub(crate) mod cache {
        pub(crate) use memokit::*;
    }
}

mod application {
    /// Shadows the path that the expansion would use without `crate`.
    #[allow(unused)]
    mod memokit {}

    use super::framework::cache::memoize;

    #[memoize(crate = crate::arguments::framework::cache, max = 4, cache_if = |n| *n > 0)]
    pub(super) fn through(n: u32) -> u32 {
        n
    }

    #[memoize(crate = super::framework::cache)]
    pub(super) fn relative(n: u32) -> Result<u32, ()> {
        Ok(n)
    }
}

#[test]
fn the_crate_argument_finds_a_reexport() {
    use application::{relative, relative_key, relative_memo, through, through_memo};
    assert_eq!((through(0), through(1), through(1)), (0, 1, 1));
    assert_eq!((through_memo().len(), through_memo().max()), (1, Some(4)));
    assert_eq!((relative(1), relative_memo().get(&relative_key(1))), (Ok(1), Some(Ok(1))));
}

#[test]
fn version_works_without_persist() {
    #[memoize(version = ("2", 3))]
    fn plain(n: u32) -> u32 {
        n
    }
    assert_eq!((plain(1), plain(1)), (1, 1));
}

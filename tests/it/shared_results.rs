//! Results that callers share with the cache: `Arc`, `Shared`, `Share`, and `cheap_clone`.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use memokit::{Share, Shared, memoize};

use crate::support::{folder, restarts};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[test]
fn a_hit_copies_nothing_of_a_shared_result() {
    #[memoize(max = 4)]
    fn matrix(n: u32) -> Shared<Vec<f64>> {
        (0..n).map(f64::from).collect::<Vec<_>>().into()
    }
    let (first, hit) = (matrix(100_000), matrix(100_000));
    assert!(Shared::is_same(&first, &hit) && first.as_ptr() == hit.as_ptr());
    assert_eq!((hit[3], hit.len(), hit == first), (3.0, 100_000, true));
    assert_eq!(
        matrix_memo().get(&matrix_key(100_000)).map(|held| held.as_ptr()),
        Some(hit.as_ptr())
    );
    matrix_memo().clear();
    assert_eq!(hit[99_999], 99_999.0, "a caller keeps what it has");
    assert!(!Shared::is_same(&matrix(100_000), &hit));
}

#[test]
fn the_part_of_a_result_is_shared_too() {
    #[memoize]
    fn text(n: u32) -> Result<Arc<str>, String> {
        if n == 0 { Err("none".to_owned()) } else { Ok(n.to_string().into()) }
    }
    let (first, hit) = (text(5).unwrap(), text(5).unwrap());
    assert!(Arc::ptr_eq(&first, &hit) && text(0).is_err());
    assert_eq!(Arc::strong_count(&hit), 3, "the cache has one of them");
    text_memo().clear();
    assert_eq!(Arc::strong_count(&hit), 2);

    #[memoize(cache_err)]
    fn all(n: u32) -> Result<Shared<str>, Shared<str>> {
        if n == 0 { Err("none".into()) } else { Ok(n.to_string().into()) }
    }
    assert!(Shared::is_same(&all(0).unwrap_err(), &all(0).unwrap_err()));
}

#[tokio::test]
async fn tasks_share_results() {
    #[memoize]
    async fn later(n: u32) -> Shared<[u32]> {
        tokio::task::yield_now().await;
        (0..n).collect()
    }
    assert!(Shared::is_same(&later(9).await, &later(9).await));
    assert_eq!(*later(3).await, [0, 1, 2]);
}

#[test]
fn a_thread_shares_its_results() {
    #[memoize(scope = "thread", max = 1)]
    fn local(n: u32) -> Rc<str> {
        n.to_string().into()
    }
    let (first, hit) = (local(1), local(1));
    assert!(Rc::ptr_eq(&first, &hit) && Rc::strong_count(&hit) == 3);
    local_memo().clear();
    assert_eq!(Rc::strong_count(&hit), 2);
}

/// Counts its clones.
#[derive(Debug, Default)]
struct Cell(Arc<u8>, &'static str);

static CLONES: AtomicU32 = AtomicU32::new(0);

impl Clone for Cell {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, SeqCst);
        Self(Arc::clone(&self.0), self.1)
    }
}

#[derive(Clone)]
struct Page {
    title: Shared<str>,
    body: Arc<[u8]>,
}

impl Share for Page {}

/// Stands for a type of another crate.
#[derive(Clone, Debug, PartialEq)]
struct Bytes(Arc<[u8]>);

#[test]
fn own_types_and_those_of_others_can_be_held_as_they_are() {
    #[memoize]
    fn page(n: u8) -> Page {
        Page { title: n.to_string().into(), body: [n].into() }
    }
    let (first, hit) = (page(1), page(1));
    assert!(Arc::ptr_eq(&first.body, &hit.body) && Shared::is_same(&first.title, &hit.title));

    #[memoize(cheap_clone, max = 9, advise)]
    fn bytes(n: u8) -> Bytes {
        Bytes([n].into())
    }
    #[memoize(cheap_clone, ttl = "1h", cache_if = |found: &Result<Cell, ()>| found.is_ok())]
    fn cell(n: u8) -> Result<Cell, ()> {
        Ok(Cell(n.into(), "cell"))
    }
    #[memoize(cheap_clone, scope = "thread")]
    fn local(n: u8) -> Rc<u8> {
        n.into()
    }
    assert!(Arc::ptr_eq(&bytes(2).0, &bytes(2).0));
    assert_eq!((bytes_memo().max(), bytes_memo().stats().hits), (Some(9), 1));
    assert_eq!((*cell(3).unwrap().0, cell_memo().stats().misses), (3, 1));
    let before = CLONES.load(SeqCst);
    assert_eq!(cell(3).unwrap().1, "cell");
    assert_eq!(CLONES.load(SeqCst), before + 1, "a hit clones once");
    assert!(Rc::ptr_eq(&local(1), &local(1)));
}

#[test]
fn shared_results_weigh_what_they_own() {
    #[memoize(max_bytes = "1MiB")]
    fn zeros(n: usize) -> Shared<Vec<u8>> {
        vec![0; n].into()
    }
    zeros(1000);
    let bytes = zeros_memo().stats().bytes;
    assert!((1000..1200).contains(&bytes), "{bytes}");
}

#[test]
fn shared_results_are_stored_and_are_the_same_key() {
    #[memoize(persist = folder())]
    fn doubled(of: &Shared<Vec<u32>>) -> Shared<Vec<u32>> {
        RUNS.fetch_add(1, SeqCst);
        of.iter().map(|n| 2 * n).collect::<Vec<_>>().into()
    }
    #[memoize(persist = folder())]
    fn upper(text: &str) -> Result<Shared<str>, ()> {
        RUNS.fetch_add(1, SeqCst);
        Ok(text.to_uppercase().into())
    }
    #[memoize]
    fn length(of: Vec<u32>) -> usize {
        of.len()
    }
    #[memoize]
    fn length_of_shared(of: Shared<Vec<u32>>) -> usize {
        of.len()
    }
    assert_eq!(length_key(vec![1, 2]), length_of_shared_key(vec![1, 2].into()));
    restarts!(
        || {
            assert_eq!(**doubled(&vec![1, 2].into()), [2, 4]);
            assert_eq!(&*upper("abc").unwrap(), "ABC");
            doubled_memo().health().unwrap();
            upper_memo().health().unwrap();
        },
        || {
            assert_eq!(**doubled(&vec![1, 2].into()), [2, 4]);
            assert_eq!((&*upper("abc").unwrap(), RUNS.load(SeqCst)), ("ABC", 0));
        }
    );
}

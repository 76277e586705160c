//! `#[companions]`: handles and keys of memoized functions in the impls of traits.

use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use memokit::{Departure, Key, companions, memoize};
use serde::Serialize;

use crate::support::{folder, restarts};

trait Market {
    type Error;
    const FEE: u64;
    const MAX: usize;
    fn quote(&self, symbol: &str, amount: u64) -> Result<u64, Self::Error>;
    fn fees(n: u64) -> u64;
    fn name(&self) -> String;
}

#[derive(Serialize)]
struct Exchange(u64);

static RUNS: AtomicU32 = AtomicU32::new(0);

#[companions(pub(crate))]
impl Market for Exchange {
    type Error = String;
    const FEE: u64 = 3;
    const MAX: usize = 3;

    #[memoize(max = Self::MAX, explain)]
    fn quote(&self, symbol: &str, amount: u64) -> Result<u64, Self::Error> {
        RUNS.fetch_add(1, SeqCst);
        let price: u64 = symbol.parse().map_err(|_| format!("{} has no {symbol}", self.name()))?;
        Ok(self.0 + price * amount + Self::FEE)
    }

    /// Neither `self` nor `Self` shows where it stands.
    #[memoize]
    fn fees(n: u64) -> u64 {
        n * 2
    }

    fn name(&self) -> String {
        "the exchange".to_owned()
    }
}

#[test]
fn the_impl_of_a_trait_has_handles_and_keys() {
    let (exchange, memo) = (Exchange(100), Exchange::quote_memo());
    let key = exchange.quote_key("7", 2);
    assert_eq!(memo.get(&key), None);
    assert_eq!(exchange.quote("7", 2), Ok(117));
    assert_eq!((exchange.quote("7", 2), RUNS.load(SeqCst)), (Ok(117), 1));
    assert_eq!(memo.get(&key), Some(Ok(117)));
    assert_eq!(memo.get_ok(&Exchange(101).quote_key("7", 2)), None);
    assert_eq!((key.get::<u64>("amount"), memo.max()), (Ok(2), Some(3)));
    assert!(exchange.quote("many", 1).is_err());
    let stats = memo.stats();
    assert_eq!((stats.hits, stats.misses, stats.uncached), (1, 2, 1));
    assert!(memo.invalidate(&key) && !memo.invalidate(&key));
    assert_eq!(exchange.quote("7", 2), Ok(117));
    memo.clear();
    assert!(memo.is_empty());
    assert_eq!((Exchange::fees(4), Exchange::fees(4)), (8, 8));
    assert_eq!(Exchange::fees_memo().stats().hits, 1);
    assert_eq!(Exchange::fees_memo().get(&Exchange::fees_key(4)), Some(8));
}

trait Size<U> {
    fn size(&self) -> U;
    fn of<V: Serialize + 'static>(v: V, unit: u64) -> u64;
}

#[companions(trait Sizes)]
impl<T> Size<Vec<T>> for Vec<T>
where
    T: Clone + Send + Sync + Serialize + 'static,
{
    #[memoize]
    fn size(&self) -> Vec<T> {
        self.clone()
    }

    #[memoize]
    fn of<V: Serialize + 'static>(v: V, unit: u64) -> u64 {
        (size_of_val(&v) + size_of::<T>()) as u64 * unit
    }
}

#[test]
fn a_foreign_type_gets_a_trait_and_each_instance_a_cache() {
    let _ = (vec![1_u8].size(), vec![1_u8].size(), vec![1_u16].size());
    let (small, large) = (Vec::<u8>::size_memo(), Vec::<u16>::size_memo());
    assert_eq!((small.stats().hits, small.len(), large.stats().hits, large.len()), (1, 1, 0, 1));
    assert_eq!(small.get(&vec![1_u8].size_key()), Some(vec![1]));
    assert_eq!(
        (Vec::<u8>::of(1_u8, 1), Vec::<u16>::of(1_u8, 1), Vec::<u8>::of(1_u32, 1)),
        (2, 3, 5)
    );
    assert_eq!(Vec::<u8>::of_memo::<u8>().get(&Vec::<u8>::of_key(1_u8, 1)), Some(2));
    assert_eq!(Vec::<u8>::of_memo::<u32>().get(&Vec::<u8>::of_key(1_u32, 1)), Some(5));
    assert_eq!(Vec::<u16>::of_memo::<u32>().stats().misses, 0);
}

trait Double {
    type Output;
    fn double(&self) -> Self::Output;
}

/// A blanket impl.
#[companions(trait Doubles)]
impl<T> Double for T
where
    T: Into<u64> + Copy + Serialize + 'static,
{
    type Output = u64;

    #[memoize]
    fn double(&self) -> Self::Output {
        2 * (*self).into()
    }
}

#[test]
fn a_blanket_impl_has_companions_for_each_type() {
    assert_eq!((4_u8.double(), 4_u32.double(), 4_u8.double()), (8, 8, 8));
    assert_eq!((u8::double_memo().stats().hits, u32::double_memo().stats().hits), (1, 0));
    assert_eq!(u32::double_memo().get(&4_u32.double_key()), Some(8));
}

trait Fetch {
    fn fetch(&self, id: u32) -> impl Future<Output = String> + Send;
}

#[derive(Serialize)]
struct Client;

#[companions]
impl Fetch for Client {
    #[memoize(max = 8)]
    async fn fetch(&self, id: u32) -> String {
        tokio::task::yield_now().await;
        id.to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_async_function_has_them_too() {
    let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(Client.fetch(3))).collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "3");
    }
    let stats = Client::fetch_memo().stats();
    assert_eq!((stats.misses, stats.hits), (1, 7));
    assert_eq!(Client::fetch_memo().get(&Client.fetch_key(3)).as_deref(), Some("3"));
}

trait Text {
    fn text(n: u8) -> Rc<str>;
    fn plain(n: u8) -> u8;
    fn renamed(n: u8) -> u8;
    fn shared(by: impl Fn(u8) -> u8, n: u8) -> u8;
}

struct Latin;

static TOLD: AtomicU32 = AtomicU32::new(0);

fn told(_: &Key, _: &u8, _: Departure) {
    TOLD.fetch_add(1, SeqCst);
}

#[companions]
impl Text for Latin {
    #[memoize(scope = "thread")]
    fn text(n: u8) -> Rc<str> {
        n.to_string().into()
    }

    #[memoize(companion = none)]
    fn plain(n: u8) -> u8 {
        n
    }

    #[memoize(companion = other, max = 1, on_evict = told)]
    fn renamed(n: u8) -> u8 {
        n
    }

    #[memoize(key = n, instances = "shared")]
    fn shared(by: impl Fn(u8) -> u8, n: u8) -> u8 {
        by(n)
    }
}

#[test]
fn arguments_that_choose_the_cache_and_its_companions_hold() {
    let _ = (Latin::text(1), Latin::text(1));
    assert_eq!(Latin::text_memo().stats().hits, 1);
    thread::spawn(|| assert_eq!(Latin::text_memo().stats().misses, 0)).join().unwrap();
    assert_eq!(Latin::plain(1) + Latin::plain(1), 2);
    let _ = (Latin::renamed(1), Latin::renamed(2));
    assert_eq!((Latin::other_memo().stats().evicted, TOLD.load(SeqCst)), (1, 1));
    assert_eq!((Latin::shared(|n| n, 4), Latin::shared(|n| n.max(1), 4)), (4, 4));
    assert_eq!(Latin::shared_memo().stats().hits, 1);
    assert_eq!(Latin::shared_memo().get(&Latin::shared_key(4)), Some(4));
}

trait Stored {
    fn stored(&self, n: u32) -> u32;
}

#[companions]
impl Stored for Client {
    #[memoize(persist = folder())]
    fn stored(&self, n: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        n + 1
    }
}

#[companions(trait StoredByAll)]
impl<T: Serialize + Send + Sync + 'static> Stored for Option<T> {
    #[memoize(persist = folder())]
    fn stored(&self, n: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        n + self.is_some() as u32
    }
}

#[test]
fn results_are_stored() {
    fn all() -> [u32; 3] {
        [Client.stored(1), Some(1_u8).stored(1), None::<u16>.stored(1)]
    }
    restarts!(
        || {
            assert_eq!((all(), RUNS.load(SeqCst)), ([2, 2, 1], 3));
            Client::stored_memo().health().unwrap();
            Option::<u8>::stored_memo().health().unwrap();
        },
        || {
            assert_eq!((all(), RUNS.load(SeqCst)), ([2, 2, 1], 0));
            assert_eq!(Client::stored_memo().stats().disk_hits, 1);
            assert!(Client::stored_memo().invalidate(&Client.stored_key(1)));
        },
        || assert_eq!((all(), RUNS.load(SeqCst)), ([2, 2, 1], 1))
    );
}

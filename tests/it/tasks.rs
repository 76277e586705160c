//! `async fn` in every form, and the properties of its future.

use std::future::{Future, ready};
use std::num::ParseIntError;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::thread;

use memokit::memoize;

/// Yields once, so that a body has an await point at which it stays pending.
pub(crate) async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Unpark(thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[memoize]
async fn joined(text: &str, parts: &[u32], or: Option<&str>) -> String {
    pause().await;
    format!("{text} {parts:?} {or:?}")
}

#[test]
fn async_functions_may_borrow_their_arguments() {
    let parts = vec![1, 2];
    for _ in 0..2 {
        assert_eq!(block_on(joined("a", &parts, Some("b"))), "a [1, 2] Some(\"b\")");
    }
    let stats = joined_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
    let key = joined_key("a", &parts, Some("b"));
    assert_eq!(joined_memo().get(&key), Some("a [1, 2] Some(\"b\")".to_owned()));
    assert_eq!(block_on(joined_uncached("a", &parts, None)), "a [1, 2] None");
    assert_eq!(joined_memo().stats().misses, 1);
}

#[memoize]
async fn parsed(text: &str) -> Result<u32, ParseIntError> {
    pause().await;
    if text.is_empty() {
        return Ok(0);
    }
    let number: u32 = text.parse()?;
    Ok(number + 1)
}

#[test]
fn async_results_of_early_returns_and_question_marks_are_cached() {
    assert_eq!(block_on(parsed("")), Ok(0));
    assert_eq!(block_on(parsed("7")), Ok(8));
    assert!(block_on(parsed("x")).is_err() && block_on(parsed("x")).is_err());
    let stats = parsed_memo().stats();
    assert_eq!((stats.entries, stats.misses, stats.uncached), (2, 4, 2));
}

#[memoize]
async fn drawn(n: u32) -> Arc<dyn std::fmt::Debug + Send + Sync> {
    if n == 0 {
        return Arc::new("none");
    }
    Arc::new(n)
}

#[memoize]
async fn failing(n: u32) -> Result<u32, Box<dyn std::error::Error>> {
    if n == 0 {
        return Err("none".into());
    }
    Ok("5".parse::<u32>()? + n)
}

#[test]
fn async_results_are_coerced_to_the_return_type() {
    assert_eq!(format!("{:?} {:?}", block_on(drawn(0)), block_on(drawn(1))), "\"none\" 1");
    assert_eq!(block_on(failing(1)).unwrap(), 6);
    assert!(block_on(failing(0)).is_err());
}

#[memoize]
async fn unit(n: u32) {
    let _ = n;
    pause().await;
}

#[memoize]
async fn constant() -> u32 {
    ready(3).await
}

#[test]
fn async_functions_may_lack_results_and_parameters() {
    block_on(async { (unit(1).await, unit(1).await, constant().await, constant().await) });
    assert_eq!((unit_memo().stats().hits, constant_memo().stats().hits), (1, 1));
}

#[memoize]
async fn patterns(mut a: u32, (b, c): (u32, u32), [d, ..]: [u32; 3], _: u8) -> u32 {
    a += b;
    pause().await;
    a += c + d;
    a
}

#[memoize(key = a + b)]
async fn keyed((a, mut b): (u32, u32), c: u32) -> u32 {
    b += c;
    pause().await;
    a + b
}

#[test]
fn async_functions_accept_patterns_and_key_expressions() {
    assert_eq!(block_on(patterns(1, (2, 3), [4, 5, 6], 7)), 10);
    assert_eq!(block_on(keyed((1, 2), 3)), 6);
    assert_eq!(block_on(keyed((2, 1), 9)), 6);
}

#[memoize]
async fn fib(n: u64) -> u64 {
    if n < 2 { n } else { Box::pin(fib(n - 1)).await + Box::pin(fib(n - 2)).await }
}

#[test]
fn async_functions_may_call_themselves() {
    assert_eq!(block_on(fib(90)), 2_880_067_194_370_816_120);
    assert_eq!(fib_memo().stats().misses, 91);
}

#[derive(Clone, serde::Serialize)]
struct Market {
    fee: u32,
}

impl Market {
    #[memoize]
    async fn price(&self, symbol: &str) -> u32 {
        pause().await;
        self.fee + u32::try_from(symbol.len()).unwrap()
    }

    #[memoize(skip(self))]
    async fn at_first(self: Arc<Self>, n: u32) -> u32 {
        pause().await;
        self.fee + n
    }

    #[memoize]
    async fn new(fee: u32) -> Self {
        pause().await;
        Self { fee }
    }

    #[memoize]
    async fn twice(mut self) -> u32 {
        self.fee *= 2;
        self.fee
    }
}

#[test]
fn async_methods_are_memoized() {
    block_on(async {
        let market = Market::new(5).await;
        assert_eq!((market.price("abc").await, market.price("abc").await), (8, 8));
        assert_eq!(Market { fee: 6 }.price("abc").await, 9);
        assert_eq!(Arc::new(market).at_first(1).await, 6);
        assert_eq!(Arc::new(Market { fee: 9 }).at_first(1).await, 6);
        assert_eq!(Market { fee: 9 }.twice().await, 18);
    });
    assert_eq!(Market::price_memo().stats().hits, 1);
}

trait Area {
    async fn area(&self, scale: u32) -> u32;

    #[memoize(companion = none, skip(self))]
    async fn doubled(&self, scale: u32) -> u32 {
        self.area(scale).await * 2
    }
}

#[derive(serde::Serialize)]
struct Square(u32);
#[derive(serde::Serialize)]
struct Circle(u32);

static AREAS: AtomicU32 = AtomicU32::new(0);

impl Area for Square {
    #[memoize(companion = none)]
    async fn area(&self, scale: u32) -> u32 {
        AREAS.fetch_add(1, Relaxed);
        pause().await;
        self.0 * self.0 * scale
    }
}

impl Area for Circle {
    #[memoize(companion = none)]
    async fn area(&self, scale: u32) -> u32 {
        AREAS.fetch_add(1, Relaxed);
        pause().await;
        self.0 * self.0 * scale * 3
    }
}

#[test]
fn async_methods_of_traits_are_memoized() {
    block_on(async {
        assert_eq!((Square(2).area(1).await, Square(2).area(1).await), (4, 4));
        assert_eq!((Circle(2).area(1).await, Square(3).area(1).await), (12, 9));
        assert_eq!(AREAS.load(Relaxed), 3);
        assert_eq!((Square(2).doubled(1).await, Circle(2).doubled(1).await), (8, 24));
    });
}

struct Pair<T>(T);

impl<T: serde::Serialize + Clone + Send + Sync + 'static> Pair<T> {
    #[memoize(skip(self))]
    async fn taken(&self, n: u32) -> (T, u32) {
        pause().await;
        (self.0.clone(), n)
    }
}

#[test]
fn async_methods_of_generic_impls_have_one_cache_per_instance() {
    block_on(async {
        assert_eq!(Pair(1u8).taken(1).await, (1, 1));
        assert_eq!(Pair("a").taken(1).await, ("a", 1));
        assert_eq!(Pair(2u8).taken(1).await, (1, 1));
    });
    assert_eq!(Pair::<u8>::taken_memo().len(), 1);
    assert_eq!(Pair::<u8>::taken_memo().stats().hits, 1);
}

#[memoize(cache_if = |n| *n > 1, verify = 1.0)]
async fn judged(n: u32) -> u32 {
    pause().await;
    n
}

#[memoize(cache_err)]
async fn refused(n: u32) -> Result<u32, String> {
    Err(n.to_string())
}

/// # Safety
/// There are no conditions.
#[memoize]
async unsafe fn trusted(n: u32) -> u32 {
    pause().await;
    n
}

#[test]
fn arguments_of_the_attribute_apply_to_async_functions() {
    for n in [1, 1, 2, 2, 2] {
        assert_eq!(block_on(judged(n)), n);
    }
    let stats = judged_memo().stats();
    assert_eq!((stats.entries, stats.misses, stats.uncached, stats.mismatches), (1, 5, 2, 0));
    assert_eq!((block_on(refused(1)), block_on(refused(1))), (Err("1".into()), Err("1".into())));
    assert_eq!(refused_memo().stats().hits, 1);
    // SAFETY: `trusted` has no conditions.
    assert_eq!(unsafe { block_on(trusted(1)) + block_on(trusted(1)) }, 2);
}

#[test]
fn async_results_survive_a_restart() {
    fn step() -> u32 {
        #[memoize(persist = crate::support::folder())]
        async fn stored(n: u32) -> u32 {
            pause().await;
            n + 1
        }
        assert_eq!(block_on(stored(1)), 2);
        u32::try_from(stored_memo().stats().misses).unwrap()
    }
    crate::support::restarts!(|| assert_eq!(step(), 1), || assert_eq!(step(), 0));
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicU32>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[memoize(skip(_guard))]
#[allow(unused_variables)]
async fn guarded(_guard: Counted, n: u32) -> u32 {
    pause().await;
    n
}

#[test]
fn a_future_does_nothing_before_its_first_poll_and_owns_its_arguments() {
    let drops = Arc::new(AtomicU32::new(0));
    let call = || guarded(Counted(Arc::clone(&drops)), 1);
    drop(call());
    assert_eq!((drops.load(Relaxed), guarded_memo().stats().misses), (1, 0));
    let mut future = pin!(call());
    let late = call();
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(drops.load(Relaxed), 1, "the body still owns its argument");
    assert_eq!(poll(future.as_mut()), Poll::Ready(1));
    assert_eq!(drops.load(Relaxed), 2);
    guarded_memo().invalidate(&guarded_key(1));
    assert_eq!(block_on(late), 1);
    assert_eq!(guarded_memo().stats().misses, 2, "the lookup ran before the first poll");
}

#[memoize]
async fn large(bytes: [u8; 4096], n: u32) -> u32 {
    pause().await;
    let held = [n; 512];
    pause().await;
    held.iter().sum::<u32>() + u32::from(bytes[0])
}

#[test]
fn a_future_is_little_larger_than_its_body() {
    let assert_little = |call: usize, body: usize| {
        println!("{body} bytes become {call}");
        assert!(call <= body + 256, "{body} bytes become {call}");
    };
    assert_little(size_of_val(&large([0; 4096], 1)), size_of_val(&large_uncached([0; 4096], 1)));
    assert_little(size_of_val(&unit(1)), size_of_val(&unit_uncached(1)));
    assert_little(size_of_val(&fib(1)), size_of_val(&fib_uncached(1)));
    assert_little(
        size_of_val(&joined("", &[], None)),
        size_of_val(&joined_uncached("", &[], None)),
    );
    assert_little(size_of_val(&judged(1)), size_of_val(&judged_uncached(1)));
    let market = Market { fee: 1 };
    assert_little(size_of_val(&market.price("")), size_of_val(&market.price_uncached("")));
}

#[memoize]
async fn local(n: u32) -> u32 {
    let here = std::rc::Rc::new(n);
    pause().await;
    *here
}

/// Holds a `Cell`, which is `Send` and not `Sync`, across an await.
#[memoize(key = n.get())]
async fn celled(n: std::cell::Cell<u32>) -> u32 {
    pause().await;
    n.get()
}

#[test]
fn a_future_is_send_if_its_body_is() {
    /// Decides by method resolution: an inherent method takes precedence over one of a trait.
    struct Is<T>(std::marker::PhantomData<T>);
    trait Otherwise {
        fn send(&self) -> bool {
            false
        }
    }
    impl<T> Otherwise for Is<T> {}
    impl<T: Send> Is<T> {
        fn send(&self) -> bool {
            true
        }
    }
    macro_rules! is_send {
        ($future:expr) => {{
            fn probe<T>(_: &T) -> Is<T> {
                Is(std::marker::PhantomData)
            }
            probe(&$future).send()
        }};
    }
    assert!(is_send!(joined("", &[], None)));
    assert!(is_send!(fib(1)));
    assert!(
        is_send!(failing(1)),
        "the future passes on an error that is not Send, and does not hold it"
    );
    assert!(is_send!(celled(1.into())));
    assert!(is_send!(celled_uncached(1.into())));
    assert!(is_send!(Market { fee: 1 }.price("")));
    assert!(is_send!(Square(1).area(1)));
    assert!(!is_send!(local(1)));
    assert!(!is_send!(local_uncached(1)));
    assert_eq!((block_on(local(1)), block_on(celled(2.into()))), (1, 2));
}

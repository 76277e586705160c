//! Functions in impls and traits are memoized: associated functions, methods, and those of generic types.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;
use serde::Serialize;

#[derive(Serialize, Clone, Debug, PartialEq)]
struct Shop {
    name: String,
    #[serde(skip)]
    stock: u32,
}

impl Shop {
    fn new(name: &str, stock: u32) -> Self {
        Self { name: name.to_owned(), stock }
    }

    #[memoize]
    pub(crate) fn open(name: &str) -> Self {
        Self::new(name, 7)
    }

    #[memoize]
    fn priced(item: &str) -> usize {
        item.len() * 10
    }

    #[memoize]
    fn size() -> u32 {
        11
    }

    #[memoize]
    fn sign(&self, item: &str) -> String {
        format!("{} sells {item}", self.name)
    }

    #[memoize(skip(self))]
    fn checked(&self, item: &str) -> u32 {
        self.stock + u32::try_from(item.len()).unwrap()
    }

    #[memoize(key = (self.stock, item))]
    fn left(&self, item: &str) -> String {
        format!("{} of {item}", self.stock)
    }

    #[memoize]
    fn sold(self, count: u32) -> u32 {
        self.stock - count
    }

    #[memoize(key = (&self.name, n))]
    fn boxed(self: &std::sync::Arc<Self>, n: u8) -> String {
        format!("{}{n}", self.name)
    }
}

#[memoize]
fn priced(item: &str) -> usize {
    item.len()
}

#[memoize]
fn size() -> u32 {
    22
}

#[test]
fn an_associated_function_may_mention_self() {
    assert_eq!(Shop::open("a"), Shop::new("a", 7));
    assert_eq!(Shop::open("a"), Shop::new("a", 7));
    let memo = Shop::open_memo();
    assert_eq!((memo.stats().hits, memo.len()), (1, 1));
    assert_eq!(memo.get(&Shop::open_key("a")), Some(Shop::new("a", 7)));
    assert_eq!(Shop::open_uncached("b"), Shop::new("b", 7));
}

#[test]
fn an_associated_function_and_a_free_one_of_its_name_have_separate_caches() {
    for _ in 0..2 {
        assert_eq!(Shop::priced("pear"), 40);
        assert_eq!(priced("pear"), 4);
        assert_eq!(Shop::size(), 11);
        assert_eq!(size(), 22);
    }
    assert_eq!(Shop::priced_memo().get(&Shop::priced_key("pear")), Some(40));
    assert_eq!(priced_memo().get(&priced_key("pear")), Some(4));
    assert_eq!(Shop::size_memo().get(&Shop::size_key()), Some(11));
    assert_eq!(size_memo().get(&size_key()), Some(22));
    assert_eq!((Shop::priced_memo().stats().hits, priced_memo().stats().hits), (1, 1));
}

#[test]
fn methods_tell_values_of_self_apart() {
    let (a, b) = (Shop::new("a", 1), Shop::new("b", 1));
    for _ in 0..2 {
        assert_eq!(a.sign("tea"), "a sells tea");
        assert_eq!(b.sign("tea"), "b sells tea");
    }
    assert_eq!(Shop::sign_memo().len(), 2);
    assert!(Shop::sign_memo().invalidate(&a.sign_key("tea")));
    assert!(Shop::sign_memo().get(&b.sign_key("tea")).is_some());
    assert_eq!(a.sign_uncached("tea"), "a sells tea");
}

#[test]
fn values_of_a_skipped_self_share_entries() {
    assert_eq!(Shop::new("a", 1).checked("tea"), 4);
    assert_eq!(Shop::new("b", 5).checked("tea"), 4);
    assert_eq!(Shop::checked_memo().len(), 1);
}

#[test]
fn a_key_expression_may_use_self() {
    assert_eq!(Shop::new("a", 1).left("tea"), "1 of tea");
    assert_eq!(Shop::new("b", 1).left("tea"), "1 of tea");
    assert_eq!(Shop::new("b", 2).left("tea"), "2 of tea");
    assert_eq!(Shop::left_memo().len(), 2);
    assert_eq!(Shop::left_memo().stats().hits, 1);
}

#[test]
fn self_may_be_by_value_or_behind_an_arc() {
    let shop = Shop::new("a", 9);
    assert_eq!((shop.clone().sold(2), shop.clone().sold(2)), (7, 7));
    assert_eq!(Shop::sold_memo().stats().hits, 1);
    let shared = std::sync::Arc::new(shop);
    assert_eq!((shared.boxed(1), shared.boxed(1)), ("a1".into(), "a1".into()));
    assert_eq!(Shop::boxed_memo().get(&shared.boxed_key(1)), Some("a1".into()));
}

struct Table<T>(T);

static MADE: AtomicU32 = AtomicU32::new(0);

impl<T: Debug + Default + Clone + Send + Sync + Serialize + 'static> Table<T> {
    #[memoize]
    fn name(n: u32) -> String {
        MADE.fetch_add(1, Relaxed);
        format!("{:?}{n}", T::default())
    }

    #[memoize]
    fn first(n: u32) -> (u32, T) {
        (n, T::default())
    }

    #[memoize(key = (&self.0, n))]
    fn shown(&self, n: u32) -> String {
        format!("{:?} {n}", self.0)
    }

    #[memoize(max = 2)]
    fn made(n: u32) -> String {
        Self::name_uncached(n)
    }
}

impl<T, const N: usize> Table<[T; N]> {
    #[memoize]
    fn len(extra: usize) -> usize {
        N + extra
    }
}

#[test]
fn instances_of_a_generic_impl_never_share_a_cache() {
    for _ in 0..2 {
        assert_eq!(Table::<u8>::name(1), "01");
        assert_eq!(Table::<String>::name(1), "\"\"1");
        assert_eq!(Table::<u8>::first(1), (1, 0));
        assert_eq!(Table::<bool>::first(1), (1, false));
        assert_eq!(Table(1u8).shown(1), "1 1");
        assert_eq!(Table(1u16).shown(1), "1 1");
    }
    assert_eq!(Table::<u8>::shown_memo().len(), 1);
    assert_eq!(Table::<u16>::shown_memo().len(), 1);
    assert_eq!(Table::<u32>::shown_memo().len(), 0);
}

#[test]
fn a_companion_of_a_generic_impl_finds_its_instance() {
    // This also holds for a companion that is called before the function.
    assert!(Table::<i64>::name_memo().is_empty());
    assert!(Table::<i32>::name_memo().is_empty());
    assert_eq!(Table::<i64>::name(5), "05");
    assert_eq!(Table::<i64>::name_memo().get(&Table::<i64>::name_key(5)), Some("05".into()));
    assert_eq!(Table::<i64>::name_memo().len(), 1);
    assert_eq!(Table::<i32>::name_memo().len(), 0);
}

#[test]
fn a_companion_finds_its_instance_by_the_return_type() {
    assert_eq!(Table::<Option<char>>::first(1), (1, None));
    assert_eq!(Table::<Option<char>>::first_memo().len(), 1);
    assert_eq!(Table::<Option<u8>>::first_memo().len(), 0);
}

#[test]
fn types_of_one_name_never_share_a_cache() {
    fn one() -> String {
        #[derive(Debug, Default, Clone, Serialize)]
        struct Local;
        Table::<Local>::made(1)
    }
    mod other {
        #[derive(Debug, Default, Clone, serde::Serialize)]
        pub(super) struct Local(u8);
    }
    assert_eq!(one(), "Local1");
    assert_eq!(Table::<other::Local>::made(1), "Local(0)1");
    assert_eq!(one(), "Local1");
}

#[test]
fn const_parameters_of_the_impl_tell_instances_apart() {
    assert_eq!(Table::<[u8; 2]>::len(1), 3);
    assert_eq!(Table::<[u8; 3]>::len(1), 4);
    assert_eq!(Table::<[u16; 3]>::len(1), 4);
    assert_eq!(Table::<[u8; 2]>::len_memo().len(), 1);
    assert_eq!(Table::<[u8; 2]>::len_memo().get(&Table::<[u8; 2]>::len_key(1)), Some(3));
}

trait Priced {
    fn price(&self, count: u32) -> u64;

    fn unit() -> u64;

    #[memoize(companion = none, key = count, name = "total")]
    fn total(&self, count: u32) -> u64 {
        self.price(count) + 1
    }
}

#[derive(Serialize)]
struct Tea;

#[derive(Serialize)]
struct Coffee;

static PRICED: AtomicU32 = AtomicU32::new(0);

impl Priced for Tea {
    #[memoize(companion = none)]
    fn price(&self, count: u32) -> u64 {
        PRICED.fetch_add(1, Relaxed);
        u64::from(count) * Self::unit()
    }

    #[memoize(companion = none)]
    fn unit() -> u64 {
        3
    }
}

impl Priced for Coffee {
    #[memoize(companion = none)]
    fn price(&self, count: u32) -> u64 {
        u64::from(count) * Self::unit()
    }

    #[memoize(companion = none)]
    fn unit() -> u64 {
        5
    }
}

#[test]
fn methods_of_traits_are_memoized() {
    for _ in 0..3 {
        assert_eq!(Tea.price(2), 6);
        assert_eq!(Coffee.price(2), 10);
    }
    assert_eq!(PRICED.load(Relaxed), 1);
}

#[test]
fn default_methods_of_traits_tell_implementors_apart() {
    for _ in 0..2 {
        assert_eq!(Tea.total(2), 7);
        assert_eq!(Coffee.total(2), 11);
    }
}

impl<T: Priced> Priced for Vec<T> {
    #[memoize(companion = none, skip(self))]
    fn price(&self, count: u32) -> u64 {
        u64::from(count) * T::unit() * 100
    }

    #[memoize(companion = none)]
    fn unit() -> u64 {
        T::unit() * 100
    }
}

#[test]
fn a_generic_impl_of_a_trait_tells_its_instances_apart() {
    let (teas, coffees): (Vec<Tea>, Vec<Coffee>) = (vec![], vec![]);
    for _ in 0..2 {
        assert_eq!((teas.price(1), coffees.price(1)), (300, 500));
        assert_eq!((Vec::<Tea>::unit(), Vec::<Coffee>::unit()), (300, 500));
    }
}

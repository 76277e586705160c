use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use memokit::memoize;

#[test]
fn a_second_call_answers_from_the_cache() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[memoize(max = 3)]
    fn double(n: u64) -> u64 {
        RUNS.fetch_add(1, Relaxed);
        n * 2
    }
    assert_eq!((double(2), double(2), double(3)), (4, 4, 6));
    assert_eq!(RUNS.load(Relaxed), 2);
    let stats = double_memo().stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 2, 2));
    assert_eq!(double_memo().get(&double_key(2)), Some(4));
    assert_eq!(double_memo().get(&double_key(4)), None);
    assert!(double_memo().invalidate(&double_key(2)));
    assert_eq!(double_memo().get(&double_key(2)), None);
    assert_eq!(double_uncached(5), 10);
    println!("{}", memokit::report());
    println!("{:?}", double_memo().keys());
}

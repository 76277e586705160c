//! `shards`: more or fewer shards than suit the bound.

use memokit::memoize;

#[test]
fn caches_with_one_shard_and_with_many_hold_the_same_entries() {
    macro_rules! holds {
        ($shards:expr, $max:literal) => {{
            // A constant and not a literal: the attribute rejects the largest literal beside so few entries.
            const SHARDS: usize = $shards;
            #[memoize(shards = SHARDS, max = $max)]
            fn held(n: u32) -> u32 {
                n * 2
            }
            for n in (0..$max * 3).chain(0..$max * 3) {
                assert_eq!((held(n), held_memo().get(&held_key(n))), (n * 2, Some(n * 2)));
                assert!(held_memo().len() <= $max);
            }
            assert_eq!(held_memo().len(), $max, "{} shards", $shards);
        }};
    }
    holds!(1, 1000);
    holds!(64, 1000);
    holds!(16, 100);
    // There are never more shards than entries.
    holds!(65536, 3);
    // The number is rounded up to a power of two.
    holds!("".len(), 10);
    holds!("five!".len(), 10);
}

#[test]
fn one_shard_keeps_recently_used_entries() {
    #[memoize(shards = 1, max = 50)]
    fn held(n: u32) -> u32 {
        n
    }
    (0..50).for_each(|n| _ = held(n));
    held(0);
    (50..99).for_each(|n| _ = held(n));
    assert!(held_memo().get(&held_key(0)).is_some() && held_memo().get(&held_key(1)).is_none());
}

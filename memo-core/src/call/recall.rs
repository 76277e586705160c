//! Hits that a thread remembers: results of one word, by arguments that are one word together.

use crate::advice::observer::Observer;
use crate::function::function_cache::FunctionCache;
use crate::key::SearchKey;
use crate::key::arguments::{self, Arguments};
use crate::platform::special;
use crate::value::holder::Holder;
use crate::value::keep::Keep;

impl<K: Keep> FunctionCache<K> {
    /// Returns the value of `arguments`, if this thread remembers it. This is a hit.
    #[inline(always)]
    pub(super) fn recall<A: Arguments>(&self, arguments: &A) -> Option<K::Held> {
        if !const { remembers::<K, A>() } || special::is_possible() {
            return None;
        }
        let word = self.memory.recall(arguments::word_key(arguments)?)?;
        K::Holder::of_word(word)
    }

    /// Returns the value that the cache holds for `arguments`, whose key is `key`, and remembers it. This is a hit.
    #[inline(always)]
    pub(super) fn find_to_remember<A: Arguments>(
        &self,
        arguments: &A,
        key: &SearchKey<'_, A>,
    ) -> Option<K::Held> {
        match arguments::word_key(arguments).filter(|_| const { remembers::<K, A>() }) {
            Some(word) => {
                let matches = |stored: &[u8]| key.matches(stored);
                self.memory.get_to_remember(key.hash()?, matches, word, K::Holder::to_word)
            }
            None => self.find(key, true),
        }
    }
}

/// Returns whether threads remember results. Calls that are observed are not recalled, because each of them counts.
const fn remembers<K: Keep, A: Arguments>() -> bool {
    K::Holder::IS_WORD && K::Observer::IS_NONE && A::WORD.is_some() && A::PLAIN
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::call::lookup::Lookup;
    use crate::epoch::participant::front;
    use crate::function::settings::Settings;
    use crate::handle::memo::Memo;
    use crate::key::Key;
    use crate::key::arguments::PlainValue;
    use crate::value::holder::InPlace;
    use crate::value::keep::KeepOf;
    use crate::value::selection::All;

    type Kept = KeepOf<All<u64>, InPlace>;
    type Function = Arc<FunctionCache<Kept>>;

    fn function(settings: impl Fn(Settings<Kept>) -> Settings<Kept>) -> Function {
        settings(Settings::of(Kept::NEW)).shared("f".to_owned(), 1)
    }

    fn call<A: Arguments>(function: &Function, arguments: &A, value: u64) -> u64 {
        compute(function, arguments, || value)
    }

    fn compute<A: Arguments>(function: &Function, arguments: &A, body: impl Fn() -> u64) -> u64 {
        match function.lookup(arguments) {
            Lookup::Hit(hit) => hit.value(),
            Lookup::Miss(miss) => miss.store(body()),
        }
    }

    fn call_with(function: &Function, key: u64, value: u64) -> u64 {
        call(function, &(PlainValue(&key), ()), value)
    }

    /// Calls often enough for the thread to remember the value, if it does so at all.
    fn hit(function: &Function, key: u64) -> u64 {
        let value = call_with(function, key, 0);
        (0..2000).for_each(|_| assert_eq!(call_with(function, key, 0), value));
        value
    }

    fn is_remembered(function: &Function, key: u64) -> bool {
        function.recall(&(PlainValue(&key), ())).is_some()
    }

    fn key(key: u64) -> Key {
        Key::of(&(PlainValue(&key), ()))
    }

    #[test]
    fn a_value_without_an_end_is_remembered() {
        let plain = function(|settings| settings);
        assert_eq!(call_with(&plain, 1, 7), 7);
        assert!(!is_remembered(&plain, 1));
        assert_eq!(hit(&plain, 1), 7);
        assert!(is_remembered(&plain, 1));
        assert!(!is_remembered(&plain, 2) && !is_remembered(&function(|settings| settings), 1));
        assert!(thread::scope(|scope| !scope.spawn(|| is_remembered(&plain, 1)).join().unwrap()));
    }

    #[test]
    fn a_value_that_ends_is_not() {
        let hour = Duration::from_secs(3600);
        type More = fn(Settings<Kept>, Duration) -> Settings<Kept>;
        let settings: [More; 3] = [
            |settings, hour| settings.ttl(hour),
            |settings, hour| settings.idle(hour),
            |settings, _| settings.tagged(),
        ];
        for more in settings {
            let function = function(|settings| more(settings, hour));
            hit(&function, 1);
            assert!(!is_remembered(&function, 1));
        }
        let later = function(|settings| settings);
        later.set_ttl(Some(hour));
        hit(&later, 1);
        assert!(!is_remembered(&later, 1));
    }

    #[test]
    fn what_is_removed_or_replaced_is_not_remembered_any_more() {
        type Change = fn(&Function);
        let changes: [Change; 4] = [
            |function| assert!(memo(function).invalidate(&key(1))),
            |function| memo(function).clear(),
            |function| assert!(memo(function).insert(&key(1), 8)),
            |function| (10..20).for_each(|key| _ = call_with(function, key, key)),
        ];
        for change in changes {
            let function = function(|settings| settings.max(4));
            call_with(&function, 1, 7);
            assert_eq!(hit(&function, 1), 7);
            change(&function);
            assert!(!is_remembered(&function, 1));
            assert_eq!(call_with(&function, 1, 8), 8);
        }
    }

    fn memo(function: &Function) -> Memo<u64> {
        let function: &'static Function = Box::leak(Box::new(Arc::clone(function)));
        Memo::shared(function)
    }

    #[test]
    fn keys_of_other_types_in_one_cache_are_told_apart() {
        let function = function(|settings| settings);
        let letter = |value| call(&function, &(PlainValue(&'\u{1}'), ()), value);
        let pair = |value| call(&function, &(PlainValue(&0_u32), (PlainValue(&1_u32), ())), value);
        call_with(&function, 1, 7);
        assert_eq!((letter(8), pair(9)), (8, 9));
        for _ in 0..2000 {
            assert_eq!((call_with(&function, 1, 0), letter(0), pair(0)), (7, 8, 9));
        }
    }

    #[test]
    fn every_hit_is_counted() {
        let function = function(|settings| settings);
        let count = 10_000;
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..count).for_each(|n| _ = call_with(&function, n % 50, 1)));
            }
        });
        let stats = function.stats();
        assert_eq!(stats.hits + stats.misses, 3 * count);
        assert_eq!(stats.misses, 50);
    }

    #[test]
    fn a_small_cache_evicts_what_was_used_least_recently_also_if_it_is_remembered() {
        let function = function(|settings| settings.max(20));
        let mut recent: Vec<u64> = Vec::new();
        let mut state = 1_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Runs of one key, so that it is remembered.
            let (key, times) = ((state >> 33) % 30, 1 + (state >> 60));
            for _ in 0..times {
                let at = recent.iter().position(|recent| *recent == key);
                let expected = if at.is_some() { 0 } else { 1 };
                recent.retain(|recent| *recent != key);
                recent.insert(0, key);
                recent.truncate(20);
                let before = function.stats().misses;
                call_with(&function, key, 1);
                assert_eq!(function.stats().misses - before, expected);
            }
        }
        assert!(front().is_some());
    }

    #[test]
    fn a_lower_bound_lets_no_entry_be_evicted_that_is_remembered_and_was_just_used() {
        let function = function(|settings| settings.shards(1));
        hit(&function, 1);
        function.memory.set_max(20);
        for key in 2..30 {
            call_with(&function, key, 1);
            let before = function.stats().misses;
            call_with(&function, 1, 1);
            assert_eq!(function.stats().misses, before, "after {key}");
        }
    }

    #[test]
    fn no_thread_recalls_what_another_has_replaced_or_invalidated() {
        for replace in [false, true] {
            let function = function(|settings| settings);
            let (source, seen) = (AtomicU64::new(0), AtomicU64::new(0));
            let (handle, is_over) = (memo(&function), AtomicBool::new(false));
            let read = || {
                let before = seen.load(SeqCst);
                let value = compute(&function, &(PlainValue(&1_u64), ()), || source.load(SeqCst));
                assert!(value >= before, "{value} after {before}");
                // A computation that an invalidation has ended may have read what comes after the next one.
                if replace {
                    seen.fetch_max(value, SeqCst);
                }
            };
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        while !is_over.load(SeqCst) {
                            read();
                        }
                    });
                }
                for n in 1..5000 {
                    if replace {
                        assert!(handle.insert(&key(1), n));
                    } else {
                        source.store(n, SeqCst);
                        handle.invalidate(&key(1));
                    }
                    seen.fetch_max(n, SeqCst);
                    (0..n % 64).for_each(|_| std::hint::spin_loop());
                }
                is_over.store(true, SeqCst);
            });
        }
    }
}

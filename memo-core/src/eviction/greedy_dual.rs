//! The policy that knows what results cost. An entry has a rank: its price times the number of its uses, counted from
//! the rank of the entry that left last. The entry with the lowest rank leaves. So what was dear stays longer, but not
//! forever, since later entries count from a higher rank. (GreedyDual with frequencies: Cherkasova, "Improving WWW
//! Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HPL-98-69R1, 1998.)
//!
//! Prices are rounded, and all entries of one credit, which is a price times a number of uses, stand in one queue: it
//! is in the order of ranks by itself. So the lowest rank is at the front of one of few queues. (Ghandeharizadeh, Irani,
//! Lam and Yap, "CAMP: A Cost Adaptive Multi-Queue Eviction Policy for Key-Value Stores", Middleware 2014.)

use super::price::Price;
use super::queues::Queues;
use super::records::Records;
use super::slot::{Look, SlotIndex};
use super::uses::Uses;

/// By how many steps of the price a credit is higher after 1, 2, 3 and 4 uses. More are not counted, so that what was
/// used often leaves some time.
const BONUS: [u16; 4] = [0, 4, 6, 8];
/// Within a queue, ranks that differ by less than this part of the credit are equal.
const PARTS: f64 = 16.0;
/// At most so many entries are filed again at once, under the lock of the shard.
const MAX_MOVES: usize = 1000;
/// A price that is not known is the mean of about so many that are.
const RECENT: f64 = 64.0;

pub(crate) struct GreedyDual {
    /// In ascending order of their credits.
    queues: Vec<Queue>,
    /// The lowest rank of each of them. Apart from them, because an eviction looks at all.
    lowest: Vec<f64>,
    /// The rank of the entry that left last.
    base: f64,
    records: usize,
    /// The mean of the prices that became known, in steps.
    usual: f64,
    is_filed: bool,
}

/// The entries of one credit.
struct Queue {
    /// The step of the price, with the bonus.
    step: u16,
    credit: f64,
    /// By the rank from which each counts, in parts of the credit.
    records: Records,
}

impl Queue {
    #[inline]
    fn new(step: u16) -> Self {
        Self { step, credit: Price::at(step), records: Records::new() }
    }

    /// Returns the lowest rank.
    #[inline]
    fn lowest(&self) -> f64 {
        let rank = |parts: u64| self.from(parts) + self.credit;
        self.records.oldest().map_or(f64::INFINITY, rank)
    }

    /// Returns the rank from which records with this stamp count.
    #[inline]
    fn from(&self, parts: u64) -> f64 {
        parts as f64 / PARTS * self.credit
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    #[inline]
    fn file(&mut self, base: f64, slot: SlotIndex) {
        self.records.file((base / self.credit * PARTS) as u64, slot);
    }
}

impl GreedyDual {
    #[inline]
    pub(crate) fn new() -> Self {
        Self {
            queues: Vec::new(),
            lowest: Vec::new(),
            base: 0.0,
            records: 0,
            usual: 0.0,
            is_filed: false,
        }
    }

    /// Returns the step of a new price, or the usual one if it is not known.
    #[inline]
    fn learn(&mut self, price: Price) -> u16 {
        if let Some(step) = price.step() {
            let weight = if self.usual == 0.0 { 1.0 } else { 1.0 / RECENT };
            self.usual += (f64::from(step) - self.usual) * weight;
        }
        self.step(price)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 255")]
    #[inline]
    fn step(&self, price: Price) -> u16 {
        price.step().unwrap_or(self.usual as u16)
    }

    #[inline]
    fn file(&mut self, step: u16, slot: SlotIndex) {
        let at = match self.queues.binary_search_by_key(&step, |queue| queue.step) {
            Ok(at) => at,
            Err(at) => {
                self.queues.insert(at, Queue::new(step));
                self.lowest.insert(at, f64::INFINITY);
                at
            }
        };
        let queue = &mut self.queues[at];
        queue.file(self.base, slot);
        self.lowest[at] = queue.lowest();
        self.records += 1;
    }

    /// Keeps the latest record of each entry. The others are of entries that were removed, and their slots may have
    /// others by now. Ranks stay, or what was dear would count as new each time.
    #[inline]
    #[cold]
    fn prune(&mut self, look: &Look<'_, '_>) {
        // By slots: from which rank the latest record counts, and its queue.
        let mut latest: Vec<(f64, usize)> = Vec::new();
        for (at, queue) in self.queues.iter().enumerate() {
            for (parts, SlotIndex(slot)) in queue.records.iter() {
                let (slot, from) = (slot as usize, queue.from(parts));
                latest.resize(latest.len().max(slot + 1), (-1.0, 0));
                if latest[slot].0 < from {
                    latest[slot] = (from, at);
                }
            }
        }
        for (at, queue) in self.queues.iter_mut().enumerate() {
            let mut records = std::mem::replace(&mut queue.records, Records::new());
            while let Some((parts, slot)) = records.pop() {
                let place = &mut latest[slot.0 as usize];
                if *place == (queue.from(parts), at) && look(slot).is_some() {
                    queue.records.file(parts, slot);
                    *place = (-1.0, 0);
                }
            }
        }
        self.queues.retain(|queue| queue.records.len() > 0);
        self.lowest = self.queues.iter().map(Queue::lowest).collect();
        self.records = self.queues.iter().map(|queue| queue.records.len()).sum();
    }

    /// Returns the queue with the lowest rank.
    #[inline]
    fn first(&self) -> Option<usize> {
        let ranks = self.lowest.iter().enumerate();
        Some(ranks.min_by(|(_, a), (_, b)| a.total_cmp(b))?.0)
    }

    /// Removes the record with the lowest rank, and counts from there. Returns the step of its credit.
    #[inline]
    fn pop(&mut self) -> Option<(u16, SlotIndex)> {
        let at = self.first()?;
        let queue = &mut self.queues[at];
        let (step, (_, slot)) = (queue.step, queue.records.pop()?);
        self.base = self.base.max(self.lowest[at]);
        self.lowest[at] = queue.lowest();
        self.records -= 1;
        if queue.records.len() == 0 {
            self.queues.remove(at);
            self.lowest.remove(at);
        }
        Some((step, slot))
    }

    /// Returns where the entry of a record has to be filed again, because it was used, or was replaced by a dearer one.
    #[inline]
    fn step_now(&self, filed: u16, entry: Uses<'_>) -> Option<u16> {
        let (new, own) = (entry.take_all(), self.step(entry.price));
        let before = BONUS.iter().filter(|bonus| own + **bonus <= filed).count().max(1) as u64;
        let step = own + bonus(before + new);
        let is_known = entry.price != Price::UNKNOWN;
        (new > 0 || is_known && step > filed).then_some(step)
    }
}

impl Queues for GreedyDual {
    #[inline]
    fn is_filed(&self) -> bool {
        self.is_filed
    }

    #[inline]
    fn forget(&mut self) {
        *self = Self { usual: self.usual, ..Self::new() };
    }

    #[inline]
    fn file_all(&mut self, entries: &[(u64, u32)], look: &Look<'_, '_>) {
        self.forget();
        self.is_filed = true;
        for slot in entries.iter().map(|(_, slot)| SlotIndex(*slot)) {
            let Some(entry) = look(slot) else { continue };
            let step = self.learn(entry.price);
            self.file(step + bonus(1 + entry.take_all()), slot);
        }
    }

    #[inline]
    fn record(&mut self, slot: SlotIndex, entry: Uses<'_>, len: usize, look: &Look<'_, '_>) {
        if self.records > 2 * len + 64 {
            self.prune(look);
        }
        if self.is_filed {
            let step = self.learn(entry.price);
            self.file(step, slot);
        }
    }

    #[inline]
    fn take(&mut self, look: &Look<'_, '_>) -> Option<SlotIndex> {
        let mut moves_left = self.records.min(MAX_MOVES);
        while let Some((filed, slot)) = self.pop() {
            let Some(entry) = look(slot) else { continue };
            match self.step_now(filed, entry) {
                Some(step) if moves_left > 0 => self.file(step, slot),
                _ => return Some(slot),
            }
            moves_left -= 1;
        }
        None
    }

    #[inline]
    fn next(&self) -> (Option<SlotIndex>, Option<SlotIndex>) {
        self.first().map_or((None, None), |at| self.queues[at].records.next())
    }

    #[cfg(test)]
    fn size(&self) -> usize {
        self.queues.iter().map(|queue| queue.records.size()).sum()
    }
}

/// Returns the bonus for so many uses.
#[inline]
fn bonus(uses: u64) -> u16 {
    let at = usize::try_from(uses).unwrap_or(BONUS.len()).clamp(1, BONUS.len()) - 1;
    BONUS[at]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::Duration;

    use super::super::uses::MAX_USES;
    use super::*;

    /// Entries by their slots: how often each was used, and its price.
    #[derive(Default)]
    struct Entries(HashMap<u32, (AtomicU64, Price)>);

    impl Entries {
        fn look(&self, slot: SlotIndex) -> Option<Uses<'_>> {
            let (stamp, price) = self.0.get(&slot.0)?;
            Some(Uses::new(stamp, slot.0, *price))
        }

        fn set(&mut self, slot: u32, price: Price) {
            self.0.insert(slot, (AtomicU64::new(0), price));
        }

        fn insert(&mut self, policy: &mut GreedyDual, slot: u32, price: Price) {
            self.set(slot, price);
            let look = |slot| self.look(slot);
            if let Some(entry) = look(SlotIndex(slot)) {
                policy.record(SlotIndex(slot), entry, self.0.len(), &look);
            }
        }

        fn use_once(&self, slot: u32) {
            let stamp = &self.0[&slot].0;
            stamp.store((stamp.load(Relaxed) + 1).min(MAX_USES), Relaxed);
        }

        fn evict(&mut self, policy: &mut GreedyDual) -> Option<u32> {
            if !policy.is_filed() {
                let mut slots: Vec<u32> = self.0.keys().copied().collect();
                slots.sort_unstable();
                let entries: Vec<(u64, u32)> = slots.into_iter().map(|slot| (0, slot)).collect();
                policy.file_all(&entries, &|slot| self.look(slot));
            }
            let slot = policy.take(&|slot| self.look(slot))?.0;
            self.0.remove(&slot);
            Some(slot)
        }
    }

    fn policy() -> GreedyDual {
        let mut policy = GreedyDual::new();
        policy.file_all(&[], &|_| None);
        policy
    }

    fn millis(millis: u64) -> Price {
        Price::of(Some(Duration::from_millis(millis)), 1)
    }

    #[test]
    fn entries_of_one_price_leave_in_the_order_in_which_they_came_or_were_used() {
        let (mut policy, mut entries) = (policy(), Entries::default());
        (0..4).for_each(|slot| entries.insert(&mut policy, slot, millis(5)));
        entries.use_once(0);
        entries.use_once(2);
        let order: Vec<u32> = std::iter::from_fn(|| entries.evict(&mut policy)).collect();
        assert_eq!(order, [1, 3, 0, 2]);
    }

    #[test]
    fn what_is_dear_stays_ten_times_as_long_as_what_costs_a_tenth() {
        let (mut policy, mut entries) = (policy(), Entries::default());
        entries.insert(&mut policy, 0, millis(100));
        (1..10).for_each(|slot| entries.insert(&mut policy, slot, millis(10)));
        let rounds = (10..1000).take_while(|slot| {
            entries.insert(&mut policy, *slot, millis(10));
            entries.evict(&mut policy) != Some(0)
        });
        // All ten places are filled anew some nine times.
        let rounds = rounds.count();
        assert!((70..110).contains(&rounds), "{rounds}");
    }

    #[test]
    fn what_is_heavy_leaves_before_what_is_light() {
        let (mut policy, mut entries) = (policy(), Entries::default());
        let time = Some(Duration::from_millis(5));
        entries.insert(&mut policy, 0, Price::of(time, 1000));
        entries.insert(&mut policy, 1, Price::of(time, 2000));
        assert_eq!(entries.evict(&mut policy), Some(1));
    }

    #[test]
    fn an_unknown_price_is_the_usual_one() {
        let (mut policy, mut entries) = (policy(), Entries::default());
        (0..100).for_each(|slot| entries.insert(&mut policy, slot, millis(100)));
        entries.insert(&mut policy, 100, Price::UNKNOWN);
        entries.insert(&mut policy, 101, millis(1));
        assert_eq!(entries.evict(&mut policy), Some(101));
        assert_eq!(entries.evict(&mut policy), Some(0));
    }

    #[test]
    fn an_entry_that_was_replaced_by_a_dearer_one_stays_as_long_as_that() {
        let (mut policy, mut entries) = (policy(), Entries::default());
        entries.insert(&mut policy, 0, millis(1));
        entries.insert(&mut policy, 1, millis(10));
        entries.set(0, millis(1000));
        assert_eq!(entries.evict(&mut policy), Some(1));
    }

    #[test]
    fn what_was_dear_leaves_although_others_are_often_invalidated() {
        let (mut policy, mut entries) = (policy(), Entries::default());
        entries.insert(&mut policy, 0, millis(100));
        (2..100).for_each(|slot| entries.insert(&mut policy, slot, millis(10)));
        let mut records = 0;
        let rounds = (0..10_000).take_while(|_| {
            // Invalidated and computed again: another record of its slot.
            entries.insert(&mut policy, 1, millis(10_000));
            let slot = entries.evict(&mut policy).expect("there are a hundred");
            entries.insert(&mut policy, slot, millis(10));
            records = records.max(policy.records);
            slot != 0
        });
        let rounds = rounds.count();
        assert!((800..1100).contains(&rounds), "{rounds}");
        assert!(records <= 2 * 100 + 65, "{records} records");
    }

    #[test]
    fn what_was_used_before_the_first_eviction_counts() {
        let (mut policy, mut entries) = (GreedyDual::new(), Entries::default());
        (0..3).for_each(|slot| entries.insert(&mut policy, slot, millis(5)));
        assert!(!policy.is_filed() && policy.size() == 0);
        entries.use_once(0);
        policy.file_all(&[(0, 0), (1, 1), (2, 2)], &|slot| entries.look(slot));
        let order: Vec<u32> = std::iter::from_fn(|| entries.evict(&mut policy)).collect();
        assert_eq!(order, [1, 2, 0]);
    }

    /// The same policy without queues and rounding: all ranks are compared. Returns the cost of the misses of both.
    #[test]
    fn it_costs_little_more_than_by_exact_ranks() {
        let (capacity, mut state) = (200, 1_u64);
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        // Keys by Zipf, costs by a Pareto distribution.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2000")]
        let key = |draw: f64| 2000_f64.powf(draw) as u32;
        let nanos = |key: u32| {
            let part = f64::from(key.wrapping_mul(0x9e37_79b9) >> 8) / f64::from(1 << 24);
            1e6 / (part + 1e-4)
        };
        let (mut policy, mut entries) = (policy(), Entries::default());
        let mut exact: HashMap<u32, (f64, u64)> = HashMap::new();
        let (mut base, mut costs) = (0.0_f64, [0.0, 0.0]);
        for _ in 0..100_000 {
            let key = key(random());
            let cost = nanos(key);
            match entries.0.contains_key(&key) {
                true => entries.use_once(key),
                false => {
                    costs[0] += cost;
                    if entries.0.len() == capacity {
                        assert!(entries.evict(&mut policy).is_some());
                    }
                    let price = Price::of(Some(Duration::from_secs_f64(cost / 1e9)), 1);
                    entries.insert(&mut policy, key, price);
                }
            }
            if let Some((rank, uses)) = exact.get_mut(&key) {
                *uses += 1;
                *rank = base + cost * (*uses).min(4) as f64;
                continue;
            }
            costs[1] += cost;
            if exact.len() == capacity {
                let lowest = exact.iter().min_by(|a, b| a.1.0.total_cmp(&b.1.0)).unwrap();
                let lowest = *lowest.0;
                base = base.max(exact.remove(&lowest).unwrap().0);
            }
            exact.insert(key, (base + cost, 1));
        }
        assert!(costs[0] < 1.1 * costs[1], "{costs:?}");
    }

    #[test]
    fn it_takes_few_bytes_for_an_entry() {
        let (mut policy, mut entries) = (policy(), Entries::default());
        for slot in 0..20_000 {
            entries.insert(&mut policy, slot, millis(1 + u64::from(slot % 97) * 20));
            if slot >= 10_000 {
                entries.evict(&mut policy);
            }
        }
        assert!(policy.size() < 10_000 * 12, "{} bytes", policy.size());
    }
}

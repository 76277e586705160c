//! Tabs that share a storage in memory, which has a quota and can be switched off.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::notice::Notice;
use super::store::{Bounds, WebStore};
use super::{Fault, Item, ItemName};
use crate::key::Tag;
use crate::persist::{Cost, Removal, tag_bytes};
use crate::platform::clock;
use crate::platform::items::{Change, Inbox, Items, Refusal};
use crate::platform::sync::usual::Mutex;

const NOW: u64 = 1_700_000_000_000;
const UNBOUNDED: Bounds = Bounds { max: u64::MAX, max_bytes: u64::MAX };

#[derive(Default)]
struct Site {
    texts: Mutex<BTreeMap<String, String>>,
    /// The tabs, by number.
    inboxes: Mutex<Vec<(usize, Weak<Inbox>)>>,
    /// In bytes.
    quota: Mutex<Option<usize>>,
    is_off: Mutex<bool>,
    /// There is no room for texts whose names begin so.
    refused: Mutex<Option<String>>,
}

/// What one tab sees of it.
struct Tab(usize, Arc<Site>);

impl Tab {
    fn tell_others(&self, change: impl Fn() -> Change) {
        let others = self.1.inboxes.lock().clone();
        let others = others.iter().filter(|(tab, _)| *tab != self.0);
        others.filter_map(|(_, inbox)| inbox.upgrade()).for_each(|inbox| inbox.put(change()));
    }

    fn check(&self) -> Result<(), Refusal> {
        let is_off = *self.1.is_off.lock();
        if is_off { Err(Refusal::Unavailable("off".to_owned())) } else { Ok(()) }
    }
}

impl Items for Tab {
    fn get(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.check()?;
        Ok(self.1.texts.lock().get(name).cloned())
    }

    fn set(&self, name: &str, text: &str) -> Result<(), Refusal> {
        self.check()?;
        if self.1.refused.lock().as_ref().is_some_and(|prefix| name.starts_with(prefix)) {
            return Err(Refusal::Full);
        }
        let mut texts = self.1.texts.lock();
        if let Some(quota) = *self.1.quota.lock() {
            let others = texts.iter().filter(|(other, _)| *other != name);
            let used: usize = others.map(|(name, text)| 2 * (name.len() + text.len())).sum();
            if used + 2 * (name.len() + text.len()) > quota {
                return Err(Refusal::Full);
            }
        }
        let before = texts.insert(name.to_owned(), text.to_owned());
        drop(texts);
        if before.as_deref() != Some(text) {
            self.tell_others(|| Change::Set { name: name.to_owned(), text: text.to_owned() });
        }
        Ok(())
    }

    fn remove(&self, name: &str) {
        if self.1.texts.lock().remove(name).is_some() {
            self.tell_others(|| Change::Removed { name: name.to_owned() });
        }
    }

    fn names(&self, prefix: &str) -> Result<Vec<String>, Refusal> {
        self.check()?;
        let texts = self.1.texts.lock();
        Ok(texts.keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    fn watch(&self, inbox: &Arc<Inbox>) {
        self.1.inboxes.lock().push((self.0, Arc::downgrade(inbox)));
    }
}

fn name(version: &str) -> ItemName {
    ItemName::of(&format!("prices/app.quote-12345678/{version}"))
}

fn open_version(site: &Arc<Site>, tab: usize, version: &str, now: u64) -> WebStore {
    WebStore::open(Arc::new(Tab(tab, Arc::clone(site))), name(version), now, 0).unwrap()
}

fn open(site: &Arc<Site>, tab: usize) -> WebStore {
    open_version(site, tab, "00", NOW)
}

fn item(created: u64, value: &[u8]) -> Item {
    Item { created, expires: None, cost: Cost::UNKNOWN, tags: Vec::new(), value: value.to_vec() }
}

fn put(store: &WebStore, key: &[u8], created: u64) {
    store.put(key, &item(created, b"value"), UNBOUNDED).unwrap();
}

fn has(store: &WebStore, key: &[u8]) -> bool {
    store.find(key).unwrap().is_some()
}

fn followed(store: &WebStore) -> Vec<Removal> {
    let mut removals = Vec::new();
    store.follow(&mut |removal| removals.push(removal));
    removals
}

fn key_removal(key: &[u8]) -> Removal {
    Removal::Key(key.into())
}

/// Changes the text of the only item.
fn edit(site: &Site, change: impl Fn(&str) -> String) {
    let mut texts = site.texts.lock();
    let mut items = texts.iter_mut().filter(|(name, _)| !name.ends_with('!'));
    let (_, text) = items.next().expect("an item");
    *text = change(text);
    assert!(items.next().is_none());
}

#[test]
fn a_result_comes_back_as_it_was() {
    let site = Arc::default();
    let store = open(&site, 0);
    let tags = tag_bytes(&[Tag::from_bits(7), Tag::from_bits(8)]);
    for (len, expires) in [(0, None), (1, Some(NOW + 5)), (96, None), (97, None), (5000, None)] {
        let key: Vec<u8> = (0..=255).cycle().take(len).collect();
        let value = b"\0\xff\xd8 value".repeat(len);
        let item = Item { created: NOW, expires, cost: Cost::UNKNOWN, tags: tags.clone(), value };
        store.put(&key, &item, UNBOUNDED).unwrap();
        assert_eq!(open(&site, 1).find(&key), Ok(Some(item)));
    }
    assert_eq!(store.figures().0, 5);
}

#[test]
fn the_texts_are_those_of_the_format() {
    let site: Arc<Site> = Arc::default();
    put(&open(&site, 0), b"key", 12);
    let mut texts = site.texts.lock().clone();
    let notice = name("00").notice();
    assert!(texts.remove(&notice).is_some());
    texts.insert(notice.clone(), Notice { number: 3, removal: None }.text(&notice, 12));
    let texts: Vec<_> = texts.iter().map(|(name, text)| format!("{name} = {text}")).collect();
    assert_eq!(
        texts,
        [
            "memokit/prices/app.quote-12345678/00/! = m1 37f8ded1 12 3 none",
            "memokit/prices/app.quote-12345678/00/a2V5 = m1 e08e9903 12 - 0 - - dmFsdWU",
        ]
    );
}

#[test]
fn what_was_changed_or_comes_from_others_is_not_returned() {
    type Change = fn(&str) -> String;
    let changes: [(Fault, Change); 5] = [
        (Fault::Damaged, |text| text.replace("dmFsdWU", "dmFsdWX")),
        (Fault::Damaged, |text| text[..text.len() - 1].to_owned()),
        (Fault::Damaged, |text| text.replace(" 12 ", " 13 ")),
        (Fault::Foreign, |_| "{\"json\": true}".to_owned()),
        (Fault::Foreign, |text| text.replace("m1 ", "m2 ")),
    ];
    for (fault, change) in changes {
        let site: Arc<Site> = Arc::default();
        let store = open(&site, 0);
        put(&store, b"key", 12);
        edit(&site, change);
        assert_eq!(store.find(b"key"), Err(fault));
        // The next result takes its place.
        put(&store, b"key", 13);
        assert!(has(&store, b"key"));
    }
}

#[test]
fn an_item_under_the_name_of_another_is_not_returned() {
    let site: Arc<Site> = Arc::default();
    let store = open(&site, 0);
    put(&store, b"one", 1);
    let text = site.texts.lock().values().next_back().cloned().unwrap();
    let other = site.texts.lock().keys().next_back().unwrap().replace("b25l", "dHdv");
    site.texts.lock().insert(other, text);
    assert_eq!(store.find(b"two"), Err(Fault::Damaged));
}

#[test]
fn the_oldest_go_first_when_a_bound_is_reached() {
    let site = Arc::default();
    let store = open(&site, 0);
    let bounds = Bounds { max: 3, max_bytes: u64::MAX };
    for (key, created) in [(b"a", 5), (b"b", 2), (b"c", 9), (b"d", 7), (b"b", 8)] {
        store.put(key, &item(created, b"value"), bounds).unwrap();
    }
    let held: Vec<_> = [b"a", b"b", b"c", b"d"].map(|key| has(&store, key)).into();
    assert_eq!(held, [false, true, true, true]);
    let bytes = store.figures().1;
    let bounds = Bounds { max: u64::MAX, max_bytes: bytes };
    store.put(b"e", &item(8, b"value"), bounds).unwrap();
    assert_eq!((store.figures().0, has(&store, b"d")), (3, false));
}

#[test]
fn a_full_quota_takes_the_oldest_of_all_functions_and_no_item_of_others() {
    let site: Arc<Site> = Arc::default();
    let foreign = "setting".to_owned();
    site.texts.lock().insert(foreign.clone(), "x".repeat(1000));
    *site.quota.lock() = Some(20_000);
    let (store, other) = (open(&site, 0), open_version(&site, 0, "01", NOW));
    put(&other, b"first", 1);
    for n in 0..500_u64 {
        put(&store, &n.to_le_bytes(), 10 + n);
        assert!(has(&store, &n.to_le_bytes()), "{n}");
    }
    assert!(!has(&other, b"first"));
    assert_eq!(other.figures().0, 0);
    assert!(site.texts.lock().contains_key(&foreign));
    let (count, bytes, displaced) = store.figures();
    assert!(count > 20 && displaced >= 501 - count, "{count} {displaced}");
    assert_eq!(open(&site, 1).figures().0, count);
    assert!(bytes < 20_000);
    // The newest are left.
    assert!((500 - count..500).all(|n| has(&store, &n.to_le_bytes())));
}

#[test]
fn a_result_that_others_leave_no_room_for_displaces_nothing() {
    let site: Arc<Site> = Arc::default();
    *site.quota.lock() = Some(3000);
    let store = open(&site, 0);
    put(&store, b"a", 1);
    let large = item(2, &[7; 2000]);
    assert_eq!(store.put(b"b", &large, UNBOUNDED), Err(Refusal::Full));
    assert_eq!((has(&store, b"a"), store.figures().2), (true, 0));
}

#[test]
fn a_storage_that_is_switched_off_says_so() {
    let site: Arc<Site> = Arc::default();
    let store = open(&site, 0);
    *site.is_off.lock() = true;
    let off = Refusal::Unavailable("off".to_owned());
    assert_eq!(store.put(b"a", &item(1, b""), UNBOUNDED), Err(off.clone()));
    assert_eq!(store.find(b"a"), Ok(None));
    assert_eq!(store.remove(b"a"), Err(off.clone()));
    let tab = Arc::new(Tab(1, Arc::clone(&site)));
    assert_eq!(WebStore::open(tab, name("00"), NOW, 0).err(), Some(off));
}

#[test]
fn expired_results_and_old_ones_of_other_versions_go_at_an_opening() {
    let site: Arc<Site> = Arc::default();
    let (old, store) = (open_version(&site, 0, "01", NOW), open(&site, 0));
    let day = 24 * 3_600_000;
    put(&old, b"old", NOW - 8 * day);
    put(&old, b"new", NOW - 6 * day);
    put(&store, b"old", NOW - 8 * day);
    store.put(b"over", &Item { expires: Some(NOW), ..item(1, b"") }, UNBOUNDED).unwrap();
    store.put(b"live", &Item { expires: Some(NOW + 1), ..item(1, b"") }, UNBOUNDED).unwrap();
    old.put(b"over", &Item { expires: Some(NOW), ..item(NOW - 1, b"") }, UNBOUNDED).unwrap();
    let store = open(&site, 1);
    assert_eq!((has(&old, b"old"), has(&old, b"new"), has(&old, b"over")), (false, true, true));
    assert_eq!(
        (has(&store, b"old"), has(&store, b"over"), has(&store, b"live")),
        (true, false, true)
    );
    let over = |ago| Item { expires: Some(NOW - ago), ..item(1, b"") };
    store.put(b"stale", &over(9), UNBOUNDED).unwrap();
    store.put(b"ended", &over(10), UNBOUNDED).unwrap();
    let tab = Arc::new(Tab(1, Arc::clone(&site)));
    let store = WebStore::open(tab, name("00"), NOW, 10).unwrap();
    assert_eq!((has(&store, b"stale"), has(&store, b"ended")), (true, false));
}

#[test]
fn what_tabs_tell_each_other_stays_until_it_is_old() {
    let site: Arc<Site> = Arc::default();
    let told = name("01").notice();
    open_version(&site, 0, "01", NOW);
    let stays_for = |days: u64| {
        open_version(&site, 1, "00", clock::wall() + days * 24 * 3_600_000);
        site.texts.lock().contains_key(&told)
    };
    assert!(stays_for(0) && stays_for(6) && !stays_for(8));
}

#[test]
fn what_a_tab_removes_the_others_end() {
    let site = Arc::default();
    let (one, two) = (open(&site, 0), open(&site, 1));
    put(&one, b"a", 1);
    assert_eq!(followed(&two), [key_removal(b"a")]);
    one.remove(b"a").unwrap();
    assert_eq!(followed(&two), [key_removal(b"a")]);
    one.remove_tag(Tag::from_bits(5)).unwrap();
    one.clear().unwrap();
    assert_eq!(followed(&two), [Removal::Tag(Tag::from_bits(5)), Removal::All]);
    assert_eq!(followed(&two), []);
    assert_eq!(followed(&one), []);
}

#[test]
fn a_removal_whose_event_was_not_heard_is_noticed() {
    let site: Arc<Site> = Arc::default();
    let (one, two) = (open(&site, 0), open(&site, 1));
    for (removals, expected) in [(1, key_removal(b"a")), (2, Removal::All)] {
        let deaf = std::mem::take(&mut *site.inboxes.lock());
        for _ in 0..removals {
            one.remove(b"a").unwrap();
        }
        *site.inboxes.lock() = deaf;
        assert_eq!(followed(&two), [expected]);
    }
    // Its own removal does not hide one of another tab.
    let deaf = std::mem::take(&mut *site.inboxes.lock());
    one.remove(b"a").unwrap();
    two.remove(b"b").unwrap();
    *site.inboxes.lock() = deaf;
    assert_eq!(followed(&two), [Removal::All]);
}

#[test]
fn what_was_computed_before_a_removal_was_heard_goes_with_it() {
    let tag = Tag::from_bits(9);
    let tagged = || Item { tags: tag_bytes(&[tag]), ..item(3, b"") };
    for removal in [key_removal(b"a"), Removal::Tag(tag), Removal::All] {
        let site = Arc::default();
        let (one, two) = (open(&site, 0), open(&site, 1));
        match &removal {
            Removal::Key(key) => one.remove(key).unwrap(),
            Removal::Tag(tag) => one.remove_tag(*tag).unwrap(),
            Removal::All => one.clear().unwrap(),
        }
        two.put(b"a", &tagged(), UNBOUNDED).unwrap();
        put(&two, b"b", 3);
        assert_eq!(followed(&two), std::slice::from_ref(&removal));
        assert_eq!((has(&two, b"a"), has(&two, b"b")), (false, removal != Removal::All));
    }
}

#[test]
fn removals_whose_events_come_one_by_one_end_nothing_else() {
    let site: Arc<Site> = Arc::default();
    let (one, two) = (open(&site, 0), open(&site, 1));
    let keys = [b"a", b"b", b"c", b"d"];
    keys.iter().for_each(|key| put(&two, *key, 1));
    // The storage is ahead of the events.
    let deaf = std::mem::take(&mut *site.inboxes.lock());
    let notice = name("00").notice();
    let told = [b"a", b"b", b"c"].map(|key| {
        one.remove(key).unwrap();
        let text = site.texts.lock()[&notice].clone();
        Change::Set { name: notice.clone(), text }
    });
    *site.inboxes.lock() = deaf;
    let inbox = site.inboxes.lock()[1].1.upgrade().unwrap();
    let mut ended = Vec::new();
    for change in told {
        inbox.put(change);
        ended.extend(followed(&two));
    }
    // The one after next is seen in the storage before its event comes.
    ended.dedup();
    assert_eq!(ended, [b"a", b"b", b"c"].map(|key| key_removal(key)));
    assert_eq!(followed(&two), []);
    assert!(has(&two, b"d"));
}

#[test]
fn tabs_that_remove_at_once_hear_of_each_other_only() {
    let site: Arc<Site> = Arc::default();
    let (one, two) = (open(&site, 0), open(&site, 1));
    // Both have written the same number, the second tab last.
    let before = site.texts.lock().clone();
    let deaf = std::mem::take(&mut *site.inboxes.lock());
    one.remove(b"a").unwrap();
    let notice = name("00").notice();
    let first = std::mem::replace(&mut *site.texts.lock(), before)[&notice].clone();
    two.remove(b"b").unwrap();
    let second = site.texts.lock()[&notice].clone();
    *site.inboxes.lock() = deaf;
    let inbox = |tab: usize| site.inboxes.lock()[tab].1.upgrade().unwrap();
    inbox(0).put(Change::Set { name: notice.clone(), text: second });
    inbox(1).put(Change::Set { name: notice.clone(), text: first });
    assert_eq!(
        (followed(&one), followed(&two)),
        (vec![key_removal(b"b")], vec![key_removal(b"a")])
    );
    assert_eq!((followed(&one), followed(&two)), (vec![], vec![]));
}

#[test]
fn what_replaced_a_removed_result_before_that_was_heard_goes_too() {
    let tag = Tag::from_bits(9);
    let tagged = |created| Item { tags: tag_bytes(&[tag]), ..item(created, b"") };
    for removal in [key_removal(b"a"), Removal::Tag(tag), Removal::All] {
        let site = Arc::default();
        let (one, two) = (open(&site, 0), open(&site, 1));
        // The second tab has heard of the first result, or has not yet.
        for hears in [true, false] {
            one.put(b"a", &tagged(3), UNBOUNDED).unwrap();
            if hears {
                followed(&two);
            }
            match &removal {
                Removal::Key(key) => one.remove(key).unwrap(),
                Removal::Tag(tag) => one.remove_tag(*tag).unwrap(),
                Removal::All => one.clear().unwrap(),
            }
            two.put(b"a", &tagged(4), UNBOUNDED).unwrap();
            assert!(followed(&two).contains(&removal));
            assert!(!has(&two, b"a"), "{removal:?} {hears}");
            assert_eq!((followed(&one).len(), one.figures().0, two.figures().0), (1, 0, 0));
        }
    }
}

#[test]
fn an_event_of_an_older_result_does_not_hide_the_size_of_a_newer_one() {
    let site = Arc::default();
    let (one, two) = (open(&site, 0), open(&site, 1));
    put(&one, b"a", 1);
    two.put(b"a", &item(2, &[7; 300]), UNBOUNDED).unwrap();
    followed(&two);
    assert_eq!(two.figures(), open(&site, 2).figures());
}

#[test]
fn a_removal_that_is_heard_costs_the_same_however_much_a_tab_has_stored() {
    let time = |count: u64| {
        let site = Arc::default();
        let (one, two) = (open(&site, 0), open(&site, 1));
        (0..count).for_each(|n| put(&two, &n.to_le_bytes(), n));
        followed(&one);
        let began = std::time::Instant::now();
        for n in 0..200_u64 {
            one.remove(&n.to_le_bytes()).unwrap();
            assert_eq!(followed(&two).len(), 1);
        }
        began.elapsed()
    };
    let (few, many) = (time(200), time(10_000));
    assert!(many < few * 10, "{few:?} {many:?}");
}

#[test]
fn a_result_that_is_larger_than_the_bound_displaces_nothing() {
    let site = Arc::default();
    let store = open(&site, 0);
    put(&store, b"a", 1);
    let bounds = Bounds { max: u64::MAX, max_bytes: 1000 };
    let refused = store.put(b"b", &item(2, &[7; 2000]), bounds);
    assert!(matches!(refused, Err(Refusal::TooLarge { size: 5000.., max: 1000 })), "{refused:?}");
    assert_eq!((has(&store, b"a"), has(&store, b"b"), store.figures().0), (true, false, 1));
}

#[test]
fn a_bound_of_no_results_leaves_none() {
    let site = Arc::default();
    let store = open(&site, 0);
    put(&store, b"a", 1);
    put(&store, b"b", 1);
    store.put(b"b", &item(2, b""), Bounds { max: 0, max_bytes: u64::MAX }).unwrap();
    assert_eq!((has(&store, b"a"), has(&store, b"b"), store.figures().0), (false, false, 0));
}

#[test]
fn a_cleared_storage_is_filled_again() {
    let site: Arc<Site> = Arc::default();
    let (one, two) = (open(&site, 0), open(&site, 1));
    put(&one, b"a", 1);
    assert_eq!(followed(&two), [key_removal(b"a")]);
    site.texts.lock().clear();
    // What memory holds is still valid.
    assert_eq!((followed(&one), followed(&two)), (vec![], vec![]));
    assert_eq!((one.figures().0, two.figures().0), (0, 0));
    put(&one, b"b", 2);
    assert!(has(&two, b"b"));
    one.remove(b"b").unwrap();
    assert_eq!(followed(&two), [key_removal(b"b"), key_removal(b"b")]);
}

#[test]
fn a_tab_that_was_asleep_forgets_what_it_has() {
    let site: Arc<Site> = Arc::default();
    let (one, two) = (open(&site, 0), open(&site, 1));
    put(&one, b"a", 1);
    assert_eq!(followed(&two), [key_removal(b"a")]);
    site.inboxes.lock()[1].1.upgrade().unwrap().put(Change::Missed);
    assert_eq!(followed(&two), [Removal::All]);
    assert_eq!((two.figures().0, has(&two, b"a")), (1, true));
}

#[test]
fn the_tabs_of_other_versions_end_what_is_cleared_there() {
    let site: Arc<Site> = Arc::default();
    let (old, store) = (open_version(&site, 0, "01", NOW), open(&site, 1));
    put(&old, b"k", NOW);
    put(&store, b"k", NOW);
    assert!(followed(&old).is_empty());
    store.clear_other_versions().unwrap();
    assert!(!has(&old, b"k") && has(&store, b"k"));
    assert_eq!(followed(&old), [Removal::All]);
    put(&old, b"later", NOW);
    assert!(followed(&old).is_empty() && has(&old, b"later"));
    *site.is_off.lock() = true;
    assert!(store.clear_other_versions().is_err());
}

#[test]
fn a_version_that_cannot_be_told_keeps_no_other_from_being_told() {
    let site: Arc<Site> = Arc::default();
    let olds = ["01", "02"].map(|version| open_version(&site, 0, version, NOW));
    olds.iter().for_each(|old| put(old, b"k", NOW));
    *site.refused.lock() = Some(name("01").version);
    assert!(open(&site, 1).clear_other_versions().is_err());
    assert_eq!(followed(&olds[1]), [Removal::All]);
}

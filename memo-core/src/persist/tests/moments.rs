//! What a moment of a directory shows, read share by share.

use super::super::moment::Moment;
use super::super::share::Share;
use super::*;

fn put(store: &Store, n: u32) {
    let (key, value) = (n.to_le_bytes(), [7]);
    let (created, cost) = (5, Cost::UNKNOWN);
    let put = Record::Put {
        key: &key,
        value: &value,
        apart: false,
        created,
        expires: None,
        cost,
        tags: &[],
    };
    let ticket = store.queue(put, store.since());
    store.commit(ticket).unwrap();
}

fn keys(moment: &Moment, shares: u64) -> Vec<u32> {
    let mut keys = Vec::new();
    for share in Share::divide(shares) {
        let contents = moment.view(share).unwrap().into_contents();
        let each = &mut |put: super::super::contents::Put<'_>| {
            let key = u32::from_le_bytes(put.key.try_into().unwrap());
            keys.extend(Some(key).filter(|_| put.counts));
            Ok(())
        };
        contents.for_each(&dir(), each).unwrap();
    }
    keys.sort_unstable();
    keys
}

#[test]
fn shares_are_together_all_that_counts_and_stay_as_they_were() {
    let fs = MemFs::new();
    let place = Place::alone(&dir());
    let store = Store::open(Arc::new(fs.clone()), &place, &identity(), Durability::Os).unwrap();
    store.begin(&mut |_| ()).unwrap();
    (0..50).for_each(|n| put(&store, n));
    let keep = Keep { is_used: &|_| true, ..ALL };
    store.merge(&keep).unwrap();
    // A newer value, a removal, and new keys.
    (49..60).for_each(|n| put(&store, n));
    let removed = 3_u32.to_le_bytes();
    let record = Record::Remove { key: &removed };
    store.remove(record, store.queue(record, 0)).unwrap();
    let moment = Moment::of(&fs, &dir(), &identity(), false).unwrap();
    let expected: Vec<u32> = (0..60).filter(|n| *n != 3).collect();
    for shares in [1, 2, 7] {
        assert_eq!(keys(&moment, shares), expected, "{shares} shares");
    }
    assert!(moment.find(&49_u32.to_le_bytes()).unwrap().is_some());
    assert!(moment.find(&removed).unwrap().is_none());
    store.clear().unwrap();
    store.merge(&keep).unwrap();
    assert_eq!(keys(&moment, 2), expected);
    let later = Moment::of(&fs, &dir(), &identity(), false).unwrap();
    assert!(keys(&later, 1).is_empty());
}

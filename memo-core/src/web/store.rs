//! The results of one version of a function among the items of a page, which its tabs share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::index::{Index, size};
use super::item::Item;
use super::name::{self, ItemName, NOTICE, ROOT};
use super::notice::Notice;
use super::seal::Fault;
use crate::key::Tag;
use crate::persist::{Removal, WallMillis, tag_bytes};
use crate::platform::clock::{self, Millis};
use crate::platform::items::{Change, Inbox, Items, Refusal};
use crate::platform::sort::sort_by_number;
use crate::platform::sync::usual::Mutex;

/// Results of another version of the function go at an opening if they are older than this: 7 days, in milliseconds.
const OLD: u64 = 7 * 24 * 3_600_000;
/// When the quota is used up, at least this part of what memokit has goes at once. One item at a time would try each
/// time again, and a page hangs meanwhile.
const PART: u64 = 8;

/// How often a function of this tab has made room. The others learn by it that items of theirs may be gone: a tab is
/// not told what it does itself.
static ROUNDS: AtomicU64 = AtomicU64::new(0);

/// How much is kept of a version: this many results, and as many bytes of items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) max: u64,
    pub(crate) max_bytes: u64,
}

pub(crate) struct WebStore {
    items: Arc<dyn Items>,
    name: ItemName,
    inbox: Arc<Inbox>,
    state: Mutex<State>,
    /// How many results gave way because the quota was used up.
    displaced: AtomicU64,
}

#[derive(Default)]
struct State {
    index: Index,
    /// The notice that this tab has followed or written last.
    seen: Option<String>,
    number: u64,
    /// The value of [`ROUNDS`] when the index was made.
    rounds: u64,
}

impl WebStore {
    /// Opens the results of a version, and removes those that have expired, and old ones of other versions.
    ///
    /// # Errors
    /// There is no storage.
    pub(crate) fn open(
        items: Arc<dyn Items>,
        name: ItemName,
        now: WallMillis,
        stale: Millis,
    ) -> Result<Self, Refusal> {
        let inbox = Arc::new(Inbox::new(name.version.clone()));
        let store =
            Self { items, name, inbox, state: Mutex::default(), displaced: AtomicU64::new(0) };
        store.remove_old(now, stale)?;
        let mut state = store.state.lock();
        store.refresh(&mut state)?;
        let text = store.items.get(&store.name.notice())?;
        if let Some(notice) = text.as_ref().and_then(|t| Notice::parse(&store.name.notice(), t)) {
            (state.number, state.seen) = (notice.number, text);
        } else {
            // Its absence will show that somebody has cleared the storage. Without room nothing is stored either.
            let _ = store.write_notice(&mut state, None);
        }
        drop(state);
        store.items.watch(&store.inbox);
        Ok(store)
    }

    fn remove_old(&self, now: WallMillis, stale: Millis) -> Result<(), Refusal> {
        for name in self.items.names(&self.name.function)? {
            let Some(text) = self.items.get(&name)? else { continue };
            let (created, expires) = Item::times(&text);
            let is_other = !name.starts_with(&self.name.version);
            let is_old = created.saturating_add(OLD) < now;
            // Another version may serve it stale for longer.
            let is_over = expires.is_some_and(|at| at.saturating_add(stale) <= now)
                && !is_other
                && !name.ends_with(NOTICE);
            if is_over || is_other && is_old {
                self.items.remove(&name);
            }
        }
        Ok(())
    }

    /// Makes the index anew from the items that are there.
    fn refresh(&self, state: &mut State) -> Result<(), Refusal> {
        state.rounds = ROUNDS.load(Relaxed);
        let mut index = Index::default();
        for name in self.items.names(&self.name.version)? {
            let part = self.part_of(&name);
            if part != NOTICE {
                let text = self.items.get(&name)?.unwrap_or_default();
                let is_own = state.index.is_own(part);
                index.note(part, Item::times(&text).0, size(&name, &text), is_own);
            }
        }
        state.index = index;
        Ok(())
    }

    /// Does so if another function has made room since.
    fn refresh_if_stale(&self, state: &mut State) {
        if state.rounds != ROUNDS.load(Relaxed) && self.refresh(state).is_err() {
            state.index.clear();
        }
    }

    /// Returns the result of `key`.
    ///
    /// # Errors
    /// What stands in its place is none.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<Item>, Fault> {
        let (part, _) = name::part(key);
        let name = self.name.item(&part);
        let Ok(Some(text)) = self.items.get(&name) else { return Ok(None) };
        let (found, item) = Item::parse(&name, &part, &text)?;
        Ok((found == key).then_some(item))
    }

    /// Returns the name of the item of `key`.
    pub(crate) fn item_name(&self, key: &[u8]) -> String {
        self.name.item(&name::part(key).0)
    }

    /// Stores the result of `key`. Results that are over the bounds go, the oldest first, and if the quota is used up,
    /// older ones of all functions. With a bound of no results, all go and none is stored.
    ///
    /// # Errors
    /// It was not stored. An older one of the same key may still be there. One that is over the bounds by itself
    /// displaces nothing.
    pub(crate) fn put(&self, key: &[u8], item: &Item, bounds: Bounds) -> Result<(), Refusal> {
        let (part, says_key) = name::part(key);
        let name = self.name.item(&part);
        let text = item.text(&name, key, says_key);
        let size = size(&name, &text);
        if size > bounds.max_bytes {
            return Err(Refusal::TooLarge { size, max: bounds.max_bytes });
        }
        let mut state = self.state.lock();
        self.refresh_if_stale(&mut state);
        if bounds.max == 0 {
            self.trim(&mut state.index, bounds, size);
            return Ok(());
        }
        state.index.forget(&part);
        self.trim(&mut state.index, bounds, size);
        self.set(&mut state, &name, &text)?;
        state.index.note(&part, item.created, size, true);
        Ok(())
    }

    /// Makes room within the bounds for an item of that size.
    fn trim(&self, index: &mut Index, bounds: Bounds, size: u64) {
        let is_over = |index: &Index| {
            index.len() >= bounds.max || index.bytes().saturating_add(size) > bounds.max_bytes
        };
        while is_over(index) {
            let Some(part) = index.oldest() else { break };
            self.items.remove(&self.name.item(&part));
            index.forget(&part);
        }
    }

    /// Sets a text, and makes room for it if there is none.
    fn set(&self, state: &mut State, name: &str, text: &str) -> Result<(), Refusal> {
        match self.items.set(name, text) {
            Err(Refusal::Full) if self.make_room(state, name, size(name, text))? => {
                self.items.set(name, text)
            }
            set => set,
        }
    }

    /// Removes the oldest results of all functions: at least as much as is wanted. Removes nothing if there is not as
    /// much: then it is others who fill the storage. Returns whether it did.
    fn make_room(&self, state: &mut State, wanted_for: &str, wanted: u64) -> Result<bool, Refusal> {
        let mut all = Vec::new();
        for name in self.items.names(ROOT)? {
            if name.ends_with(&format!("/{NOTICE}")) || name == wanted_for {
                continue;
            }
            let text = self.items.get(&name)?.unwrap_or_default();
            all.push((Item::times(&text).0, size(&name, &text), name));
        }
        let total: u64 = all.iter().map(|(_, size, _)| size).sum();
        if total < wanted {
            return Ok(false);
        }
        sort_by_number(&mut all, |(created, ..)| *created);
        let (wanted, mut freed) = (wanted.max(total / PART), 0);
        for (_, size, name) in all {
            if freed >= wanted {
                break;
            }
            self.items.remove(&name);
            if let Some(part) = name.strip_prefix(&self.name.version) {
                state.index.forget(part);
            }
            freed += size;
            self.displaced.fetch_add(1, Relaxed);
        }
        // This index is right, if it was.
        state.rounds += u64::from(state.rounds == ROUNDS.fetch_add(1, Relaxed));
        Ok(true)
    }

    /// Removes the result of `key`, and tells the other tabs.
    ///
    /// # Errors
    /// They were not told.
    pub(crate) fn remove(&self, key: &[u8]) -> Result<(), Refusal> {
        self.discard(key);
        self.tell(Removal::Key(key.into()))
    }

    /// Removes the result of `key` here and for tabs that do not hold it.
    pub(crate) fn discard(&self, key: &[u8]) {
        let (part, _) = name::part(key);
        self.items.remove(&self.name.item(&part));
        self.state.lock().index.forget(&part);
    }

    /// Removes the results with a tag, and tells the other tabs.
    ///
    /// # Errors
    /// They were not told.
    pub(crate) fn remove_tag(&self, tag: Tag) -> Result<(), Refusal> {
        let parts = self.state.lock().index.parts();
        self.remove_parts(parts, Some(tag));
        self.tell(Removal::Tag(tag))
    }

    /// Removes all results, and tells the other tabs.
    ///
    /// # Errors
    /// They were not told.
    pub(crate) fn clear(&self) -> Result<(), Refusal> {
        for name in self.items.names(&self.name.version)? {
            if name != self.name.notice() {
                self.items.remove(&name);
            }
        }
        self.state.lock().index.clear();
        self.tell(Removal::All)
    }

    /// Removes the results of the other versions of the function, and tells the tabs that run one. Continues after a
    /// failure.
    ///
    /// # Errors
    /// The first: a tab was not told.
    pub(crate) fn clear_other_versions(&self) -> Result<(), Refusal> {
        let names = self.items.names(&self.name.function)?;
        let others = || names.iter().filter(|name| !name.starts_with(&self.name.version));
        // First, so that there is room for what is told.
        others().filter(|name| !name.ends_with(NOTICE)).for_each(|name| self.items.remove(name));
        let now = clock::wall();
        // A tab that is not told the number after the last one takes all for removed, too.
        let all = Notice { number: now, removal: Some(Removal::All) };
        let mut told = Ok(());
        for notice in others().filter(|name| name.ends_with(NOTICE)) {
            told = told.and(self.items.set(notice, &all.text(notice, now)));
        }
        told
    }

    /// Removes these items, or those of them that have the tag.
    fn remove_parts(&self, parts: Vec<String>, tag: Option<Tag>) {
        let wanted = tag.map(|tag| tag_bytes(&[tag]));
        let has_tag = |part: &str| {
            let Some(wanted) = &wanted else { return true };
            let name = self.name.item(part);
            let text = self.items.get(&name).ok().flatten().unwrap_or_default();
            let found = Item::parse(&name, part, &text);
            found.is_ok_and(|(_, item)| item.tags.chunks(wanted.len()).any(|t| t == wanted))
        };
        for part in parts {
            if has_tag(&part) {
                self.items.remove(&self.name.item(&part));
                self.state.lock().index.forget(&part);
            }
        }
    }

    fn tell(&self, removal: Removal) -> Result<(), Refusal> {
        let mut state = self.state.lock();
        // Another tab may have written one that this tab has not followed.
        let stored = self.items.get(&self.name.notice())?;
        let stored = stored.and_then(|text| Notice::parse(&self.name.notice(), &text));
        if stored.as_ref().is_some_and(|stored| stored.number > state.number) {
            self.inbox.put(Change::Missed);
        }
        state.number = state.number.max(stored.map_or(0, |stored| stored.number)) + 1;
        self.write_notice(&mut state, Some(removal))
    }

    fn write_notice(&self, state: &mut State, removal: Option<Removal>) -> Result<(), Refusal> {
        let name = self.name.notice();
        let text = Notice { number: state.number, removal }.text(&name, clock::wall());
        self.set(state, &name, &text)?;
        state.seen = Some(text);
        Ok(())
    }

    /// Passes on what other tabs have removed or replaced.
    pub(crate) fn follow(&self, removed: &mut dyn FnMut(Removal)) {
        let changes = self.inbox.take();
        let hears = !changes.is_empty();
        changes.into_iter().for_each(|change| self.apply(change, removed));
        // What was told is there before the event comes.
        let Ok(text) = self.items.get(&self.name.notice()) else { return };
        let mut state = self.state.lock();
        if text == state.seen {
            return;
        }
        let Some(text) = text else {
            // Somebody has cleared the storage. What memory holds is still valid.
            let _ = self.refresh(&mut state);
            // Another number, so that the other tabs notice it too.
            state.number += 1;
            let _ = self.write_notice(&mut state, None);
            return;
        };
        drop(state);
        self.read_notice(text, hears, removed);
    }

    fn apply(&self, change: Change, removed: &mut dyn FnMut(Removal)) {
        match change {
            Change::Set { name, text } if name == self.name.notice() => {
                let is_known = self.state.lock().seen.as_ref() == Some(&text);
                if let Some(notice) = Notice::parse(&name, &text)
                    .filter(|notice| !is_known && notice.removal.is_some())
                {
                    self.end(notice.removal, removed);
                    let is_last =
                        self.items.get(&name).is_ok_and(|last| last.as_ref() == Some(&text));
                    let mut state = self.state.lock();
                    state.number = state.number.max(notice.number);
                    if is_last {
                        state.seen = Some(text);
                    }
                }
            }
            Change::Set { name, text } => {
                self.note_change(&name, Some(&text));
                // What this tab holds is older, or as good.
                if let Ok((key, _)) = Item::parse(&name, self.part_of(&name), &text) {
                    removed(Removal::Key(key.into()));
                }
            }
            Change::Removed { name } => self.note_change(&name, None),
            Change::Cleared => _ = self.refresh(&mut self.state.lock()),
            Change::Missed => {
                let _ = self.refresh(&mut self.state.lock());
                removed(Removal::All);
            }
        }
    }

    /// Notes what another tab has made of an item, unless this tab has stored one since: it stays known as its own, so
    /// that it goes with a removal that is heard next.
    fn note_change(&self, name: &str, told: Option<&str>) {
        let part = self.part_of(name);
        let mut state = self.state.lock();
        if state.index.is_own(part) {
            let text = self.items.get(name).ok().flatten();
            if text.is_some() && text.as_deref() != told {
                return;
            }
        }
        match told {
            Some(text) => {
                state.index.note(part, Item::times(text).0, size(name, text), false);
            }
            None => state.index.forget(part),
        }
    }

    /// Returns the last part of the name of an item of this version.
    fn part_of<'n>(&self, name: &'n str) -> &'n str {
        &name[self.name.version.len()..]
    }

    /// Follows a notice whose event has not come yet. `hears`: events are coming, so those in between will come too.
    fn read_notice(&self, text: String, hears: bool, removed: &mut dyn FnMut(Removal)) {
        let notice = Notice::parse(&self.name.notice(), &text);
        let mut state = self.state.lock();
        let known = state.number;
        let is_next = notice.as_ref().is_some_and(|Notice { number, removal }| match removal {
            // A tab has found the storage cleared.
            None => *number <= known + 1,
            Some(_) => *number == known + 1,
        });
        if hears && !is_next {
            return;
        }
        state.number = notice.as_ref().map_or(known, |notice| notice.number);
        state.seen = Some(text);
        match notice.filter(|_| is_next) {
            Some(Notice { removal: None, .. }) => _ = self.refresh(&mut state),
            Some(Notice { removal, .. }) => {
                drop(state);
                self.end(removal, removed);
            }
            // Some were told in between. If their events come, they end what this tab has stored.
            None => {
                drop(state);
                removed(Removal::All);
            }
        }
    }

    /// Passes on a removal by another tab. What this tab has stored of it was computed before it knew, and goes too.
    fn end(&self, removal: Option<Removal>, removed: &mut dyn FnMut(Removal)) {
        let Some(removal) = removal else { return };
        let own_parts = || self.state.lock().index.own_parts();
        match &removal {
            Removal::Key(key) => {
                let (part, _) = name::part(key);
                let is_own = self.state.lock().index.is_own(&part);
                self.remove_parts(is_own.then_some(part).into_iter().collect(), None);
            }
            Removal::Tag(tag) => self.remove_parts(own_parts(), Some(*tag)),
            Removal::All => self.remove_parts(own_parts(), None),
        }
        removed(removal);
    }

    /// Passes each result to `each`. What cannot be read is skipped: it is never returned either.
    pub(crate) fn for_each(&self, each: &mut dyn FnMut(&[u8], Item)) {
        for name in self.items.names(&self.name.version).unwrap_or_default() {
            let Ok(Some(text)) = self.items.get(&name) else { continue };
            if let Ok((key, item)) = Item::parse(&name, self.part_of(&name), &text) {
                each(&key, item);
            }
        }
    }

    /// Returns how many results there are, how many bytes their items take, and how many gave way to the quota.
    pub(crate) fn figures(&self) -> (u64, u64, u64) {
        let mut state = self.state.lock();
        self.refresh_if_stale(&mut state);
        (state.index.len(), state.index.bytes(), self.displaced.load(Relaxed))
    }
}

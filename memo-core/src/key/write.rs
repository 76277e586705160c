//! The writing sink: canonical bytes, with every unordered group sorted by its items' bytes.

use std::cell::Cell;
use std::ops::Range;

use serde::Serialize;

use super::encoder::{Encoder, Part, Sink};
use super::tag::{self, LONG, MAX_LENGTH, Stop};

/// A buffer for canonical bytes; one a thread is kept warm, so that encoding allocates nothing.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
    /// The items of all groups in progress, those of the innermost last.
    items: Vec<Range<usize>>,
    sorted: Vec<u8>,
    failed: Option<Stop>,
}

/// An unordered group in progress: where its first item stands in `items` and in `out`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    first: usize,
    start: usize,
    fields: bool,
}

impl Writer {
    /// Runs `f` with this thread's writer, emptied. A nested call (from a user's `Serialize`) gets a new one.
    pub(crate) fn with<R>(f: impl FnOnce(&mut Self) -> R) -> R {
        let mut writer = Self::take();
        let result = f(&mut writer);
        writer.give_back();
        result
    }

    pub(crate) fn take() -> Box<Self> {
        let mut writer = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
        writer.clear();
        writer
    }

    pub(crate) fn give_back(self: Box<Self>) {
        let _ = SCRATCH.try_with(|cell| cell.set(Some(self)));
    }

    fn clear(&mut self) {
        self.out.clear();
        self.items.clear();
        self.failed = None;
    }

    /// The bytes written, if all went well.
    pub(crate) fn bytes(&self) -> Result<&[u8], Stop> {
        self.sound().map(|()| self.out.as_slice())
    }

    /// Nothing is done after a failure: items of groups that were given up may still stand in `items`.
    fn sound(&self) -> Result<(), Stop> {
        self.failed.map_or(Ok(()), Err)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.sound()?;
        if bytes.len() > MAX_LENGTH - self.out.len().min(MAX_LENGTH) {
            self.poison(Stop::TooLong);
            return Err(Stop::TooLong);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn push_sized(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match tag::short(bytes.len()) {
            Some(n) => self.push(&[n])?,
            None => {
                let n = u32::try_from(bytes.len()).map_err(|_| Stop::TooLong);
                let n = n.inspect_err(|&stop| self.poison(stop))?;
                self.push(&[LONG])?;
                self.push(&n.to_le_bytes())?;
            }
        }
        self.push(bytes)
    }

    fn open_group(&mut self, fields: bool) -> Group {
        Group { first: self.items.len(), start: self.out.len(), fields }
    }

    fn open_item(&mut self) {
        self.items.push(self.out.len()..self.out.len());
    }

    /// Ends the innermost open item. An item that failed half-way has poisoned the writer, whose bytes then go
    /// nowhere, so a missing one is no more than that.
    fn close_item(&mut self) {
        let end = self.out.len();
        if let Some(item) = self.items.last_mut() {
            item.end = end;
        }
    }

    fn close_group(&mut self, group: Group) -> Result<(), Stop> {
        self.sound()?;
        let out = &mut self.out;
        let items = &mut self.items[group.first..];
        if !items.is_sorted_by(|a, b| out[a.clone()] <= out[b.clone()]) {
            items.sort_unstable_by(|a, b| out[a.clone()].cmp(&out[b.clone()]));
            self.sorted.clear();
            for item in &*items {
                self.sorted.extend_from_slice(&out[item.clone()]);
            }
            out.truncate(group.start);
            out.extend_from_slice(&self.sorted);
        }
        if group.fields && has_doubled_name(out, group.start, items) {
            self.poison(Stop::DoubledField);
            return Err(Stop::DoubledField);
        }
        self.items.truncate(group.first);
        self.push(&[tag::END])
    }
}

/// Do two fields, now adjacent in `out` from `start` on, begin with one name?
fn has_doubled_name(out: &[u8], start: usize, items: &[Range<usize>]) -> bool {
    let mut at = start;
    let mut previous: Option<&[u8]> = None;
    for item in items {
        let field = &out[at..at + item.len()];
        at += item.len();
        let name = super::read::sized(field).map(|(name, _)| name);
        if name == previous {
            return true;
        }
        previous = name;
    }
    false
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Writer>>> = const { Cell::new(None) };
}

impl Sink for Writer {
    type Fields = Group;
    type Bag = Group;

    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), Stop> {
        self.push(&[tag])?;
        self.push(&bytes)
    }

    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.push(&[tag])?;
        self.push_sized(bytes)
    }

    fn name(&mut self, name: &str) -> Result<(), Stop> {
        self.push_sized(name.as_bytes())
    }

    fn open_fields(&mut self) -> Result<Group, Stop> {
        Ok(self.open_group(true))
    }

    /// A field is its name, the length of its value in four bytes, and the value; the length lets a reader find a
    /// field by name without reading the others.
    fn open_field(&mut self, _: &mut Group, name: &str) -> Result<(), Stop> {
        self.open_item();
        self.name(name)?;
        self.push(&[0; 4])
    }

    fn close_field(&mut self, _: &mut Group) -> Result<(), Stop> {
        self.sound()?;
        self.close_item();
        let Some(item) = self.items.last().cloned() else { return Err(Stop::Refused) };
        let Some((_, rest)) = super::read::sized(&self.out[item.clone()]) else {
            return Err(Stop::Refused);
        };
        let value_len = rest.len() - 4;
        let at = item.end - value_len - 4;
        // Within MAX_LENGTH, so it fits.
        let len = u32::try_from(value_len).map_err(|_| Stop::TooLong)?;
        self.out[at..at + 4].copy_from_slice(&len.to_le_bytes());
        Ok(())
    }

    fn close_fields(&mut self, fields: Group) -> Result<(), Stop> {
        self.close_group(fields)
    }

    fn open_bag(&mut self, tag: u8) -> Result<Group, Stop> {
        self.push(&[tag])?;
        Ok(self.open_group(false))
    }

    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        _: &mut Group,
        depth: u32,
        part: Part,
        value: &T,
    ) -> Result<(), Stop> {
        if part.opens() {
            self.open_item();
        }
        Encoder { sink: self, depth }.value(value)?;
        if part.closes() {
            self.close_item();
        }
        Ok(())
    }

    fn close_bag(&mut self, bag: Group) -> Result<(), Stop> {
        self.close_group(bag)
    }

    fn poison(&mut self, stop: Stop) {
        self.failed.get_or_insert(stop);
    }
}

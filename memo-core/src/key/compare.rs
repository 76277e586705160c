//! The comparing sink. It checks, part by part, that stored bytes encode the value that is being serialized.

use serde_core::Serialize;

use super::items::Items;
use super::short::same;
use super::sink::{ItemPart, Sink, SinkCopy};
use super::tag::{self, LONG, NoKey};
use super::write::{Fields, Kind, Writer};

/// The outcome of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Equal,
    /// The bytes differ. They may still encode the same key, with the fields of a struct in another order.
    Differs,
    /// The value has no key.
    Refused,
}

/// A sink that compares an encoded value with stored bytes.
pub(crate) struct Compare<'a> {
    /// The stored bytes that are not matched yet.
    rest: &'a [u8],
    /// Why the comparison failed, if it did. After a failure it may continue, but it stays failed.
    failed: Option<NoKey>,
}

impl<'a> Compare<'a> {
    #[inline]
    pub(crate) fn new(stored: &'a [u8]) -> Self {
        Self { rest: stored, failed: None }
    }

    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        match self.failed {
            None if self.rest.is_empty() => Verdict::Equal,
            None | Some(NoKey::Differs) => Verdict::Differs,
            Some(_) => Verdict::Refused,
        }
    }

    // Except for maps and sets, only inlined functions take `self`. The compiler then keeps the comparer in registers,
    // and a step does not wait for the store and load of the previous one.
    #[inline(always)]
    fn advance(&mut self, rest: Option<&'a [u8]>) -> Result<(), NoKey> {
        match rest {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => {
                self.poison(NoKey::Differs);
                Err(NoKey::Differs)
            }
        }
    }
}

/// Strips `bytes` from the start of `stored`. `None` means that they differ.
#[inline(always)]
fn strip<'a>(stored: &'a [u8], bytes: &[u8]) -> Option<&'a [u8]> {
    match stored.split_at_checked(bytes.len()) {
        Some((head, rest)) if same(head, bytes) => Some(rest),
        _ => None,
    }
}

/// Strips a byte and then bytes of a known length.
#[inline(always)]
fn strip_pair<'a>(stored: &'a [u8], first: u8, bytes: &[u8]) -> Option<&'a [u8]> {
    match stored.split_at_checked(1 + bytes.len()) {
        Some(([head, tail @ ..], rest)) if *head == first && same(tail, bytes) => Some(rest),
        _ => None,
    }
}

/// Strips a tag, a length and then bytes of any length.
#[inline(always)]
fn strip_blob<'a>(stored: &'a [u8], tag: u8, bytes: &[u8]) -> Option<&'a [u8]> {
    let Some(len) = tag::short(bytes.len()) else {
        return strip_long(strip_pair(stored, tag, &[])?, bytes);
    };
    match stored.split_at_checked(2 + bytes.len()) {
        Some(([first, second, head @ ..], rest))
            if [*first, *second] == [tag, len] && same_bytes(head, bytes) =>
        {
            Some(rest)
        }
        _ => None,
    }
}

/// Reports whether the bytes are equal. It is not inlined, so that its callers stay small enough to be inlined. It
/// returns only a `bool`, so that the next step does not depend on its result.
#[inline(never)]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    same(a, b)
}

#[inline(never)]
fn strip_long<'a>(stored: &'a [u8], bytes: &[u8]) -> Option<&'a [u8]> {
    let len = u32::try_from(bytes.len()).ok()?;
    strip(strip_pair(stored, LONG, &len.to_le_bytes())?, bytes)
}

fn strip_items<'a, 'b>(
    stored: &'a [u8],
    mut items: impl Iterator<Item = &'b [u8]>,
) -> Option<&'a [u8]> {
    let rest = items.try_fold(stored, |stored, item| {
        let (head, rest) = stored.split_at_checked(item.len())?;
        same_bytes(head, item).then_some(rest)
    })?;
    strip_pair(rest, tag::END, &[])
}

impl Sink for Compare<'_> {
    type Within<'s>
        = SinkCopy<'s, Self>
    where
        Self: 's;
    type Fields = ();
    type Bag = (Box<Writer>, <Writer as Sink>::Bag);

    #[inline(always)]
    fn enter(&mut self) -> SinkCopy<'_, Self> {
        let inner = Self { failed: None, ..*self };
        SinkCopy { outer: self, inner }
    }

    #[inline(always)]
    fn leave(SinkCopy { outer, inner }: SinkCopy<'_, Self>) {
        outer.rest = inner.rest;
        if let Some(reason) = inner.failed {
            outer.poison(reason);
        }
    }

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey> {
        self.advance(strip_pair(self.rest, tag, &bytes))
    }

    #[inline(always)]
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NoKey> {
        self.advance(strip_blob(self.rest, tag, bytes))
    }

    // Inlined, so that the name is a constant and compares as two words.
    #[inline(always)]
    fn name(&mut self, name: &str) -> Result<(), NoKey> {
        let bytes = name.as_bytes();
        self.advance(match tag::short(bytes.len()) {
            Some(len) => strip_pair(self.rest, len, bytes),
            None => strip_long(self.rest, bytes),
        })
    }

    #[inline]
    fn open_fields(&mut self) -> Result<(), NoKey> {
        Ok(())
    }

    #[inline(always)]
    fn open_field(&mut self, (): &mut (), name: &str) -> Result<(), NoKey> {
        self.name(name)
    }

    #[inline]
    fn close_field(&mut self, (): &mut ()) -> Result<(), NoKey> {
        Ok(())
    }

    #[inline]
    fn close_fields(&mut self, (): ()) -> Result<(), NoKey> {
        self.advance(strip_pair(self.rest, tag::END, &[]))
    }

    fn open_bag(&mut self, tag: u8) -> Result<Self::Bag, NoKey> {
        self.advance(strip_pair(self.rest, tag, &[]))?;
        let writer = Writer::take(Fields::AsSerialized);
        let bag = writer.open_group(Kind::of_bag(tag));
        Ok((writer, bag))
    }

    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Self::Bag,
        depth: u32,
        part: ItemPart,
        value: &T,
    ) -> Result<(), NoKey> {
        let (writer, group) = bag;
        // This writer makes no digest, so nothing else is to be done.
        writer.part(group, depth, part, value)
    }

    fn close_bag(&mut self, (mut writer, group): Self::Bag) -> Result<(), NoKey> {
        let rest = writer.sorted(group).map(|items| strip_items(self.rest, items));
        writer.give_back();
        self.advance(rest?)
    }

    #[inline(always)]
    fn poison(&mut self, reason: NoKey) {
        if self.failed.is_none_or(|failed| failed == NoKey::Differs) {
            self.failed = Some(reason);
        }
    }
}

//! The comparing sink: is what is being serialized what these bytes say, part for part?

use serde::Serialize;

use super::short::same;
use super::sink::{ItemPart, Sink, SinkCopy};
use super::tag::{self, LONG, NoKey};
use super::write::{Fields, Writer};

/// How a comparison came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Equal,
    /// Not the same bytes. They may still be of the same key, with the fields of a struct in another order.
    Differs,
    /// The value has no key.
    Refused,
}

/// Walks along stored bytes.
pub(crate) struct Compare<'a> {
    /// What has not been matched yet.
    rest: &'a [u8],
    /// Why the comparison failed, if it did; it goes on, and stays failed.
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

    // No function that is not inlined is handed the comparer itself: it is then kept in registers, and a step does not
    // wait for the one before to be stored and loaded.
    #[inline(always)]
    fn go_on(&mut self, rest: Option<&'a [u8]>) -> Result<(), NoKey> {
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

#[inline(always)]
fn after<'a>(stored: &'a [u8], bytes: &[u8]) -> Option<&'a [u8]> {
    match stored.split_at_checked(bytes.len()) {
        Some((head, rest)) if same(head, bytes) => Some(rest),
        _ => None,
    }
}

/// After a byte, and bytes of a length that is known.
#[inline(always)]
fn after_pair<'a>(stored: &'a [u8], first: u8, bytes: &[u8]) -> Option<&'a [u8]> {
    match stored.split_at_checked(1 + bytes.len()) {
        Some(([head, tail @ ..], rest)) if *head == first && same(tail, bytes) => Some(rest),
        _ => None,
    }
}

/// After bytes of any length.
#[inline(always)]
fn after_blob<'a>(stored: &'a [u8], tag: u8, bytes: &[u8]) -> Option<&'a [u8]> {
    let Some(n) = tag::short(bytes.len()) else {
        return after_long(after_pair(stored, tag, &[])?, bytes);
    };
    match stored.split_at_checked(2 + bytes.len()) {
        Some(([first, second, head @ ..], rest))
            if [*first, *second] == [tag, n] && same_run(head, bytes) =>
        {
            Some(rest)
        }
        _ => None,
    }
}

/// Not inlined, so that what calls it stays small enough to be inlined itself; and it says yes or no alone, so that what
/// comes next does not wait for it.
#[inline(never)]
fn same_run(a: &[u8], b: &[u8]) -> bool {
    same(a, b)
}

#[inline(never)]
fn after_long<'a>(stored: &'a [u8], bytes: &[u8]) -> Option<&'a [u8]> {
    let n = u32::try_from(bytes.len()).ok()?;
    after(after_pair(stored, LONG, &n.to_le_bytes())?, bytes)
}

fn after_items<'a, 'b>(
    stored: &'a [u8],
    mut items: impl Iterator<Item = &'b [u8]>,
) -> Option<&'a [u8]> {
    let rest = items.try_fold(stored, |stored, item| {
        let (head, rest) = stored.split_at_checked(item.len())?;
        same_run(head, item).then_some(rest)
    })?;
    after_pair(rest, tag::END, &[])
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
        if let Some(stop) = inner.failed {
            outer.poison(stop);
        }
    }

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), NoKey> {
        self.go_on(after_pair(self.rest, tag, &bytes))
    }

    #[inline(always)]
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), NoKey> {
        self.go_on(after_blob(self.rest, tag, bytes))
    }

    // Inlined so that the name is a constant: it then compares as two words.
    #[inline(always)]
    fn name(&mut self, name: &str) -> Result<(), NoKey> {
        let bytes = name.as_bytes();
        self.go_on(match tag::short(bytes.len()) {
            Some(n) => after_pair(self.rest, n, bytes),
            None => after_long(self.rest, bytes),
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
        self.go_on(after_pair(self.rest, tag::END, &[]))
    }

    fn open_bag(&mut self, tag: u8) -> Result<Self::Bag, NoKey> {
        self.go_on(after_pair(self.rest, tag, &[]))?;
        let writer = Writer::take(Fields::AsMet);
        let bag = writer.open_group(false);
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
        writer.bag_part(group, depth, part, value)
    }

    fn close_bag(&mut self, (mut writer, group): Self::Bag) -> Result<(), NoKey> {
        let rest = writer.sorted(group).map(|items| after_items(self.rest, items));
        writer.give_back();
        self.go_on(rest?)
    }

    #[inline(always)]
    fn poison(&mut self, stop: NoKey) {
        if self.failed.is_none_or(|failed| failed == NoKey::Differs) {
            self.failed = Some(stop);
        }
    }
}

//! The comparing sink: is what is being serialized what these bytes say, part for part?

use serde::Serialize;

use super::short::same;
use super::sink::{Part, Sink};
use super::tag::{self, LONG, Stop};
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
    /// What has not been matched yet; `None` once something failed to.
    rest: Option<&'a [u8]>,
    refused: bool,
}

impl<'a> Compare<'a> {
    #[inline]
    pub(crate) fn new(stored: &'a [u8]) -> Self {
        Self { rest: Some(stored), refused: false }
    }

    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        match self.rest {
            Some([]) => Verdict::Equal,
            _ if self.refused => Verdict::Refused,
            _ => Verdict::Differs,
        }
    }

    #[inline]
    fn go_on(&mut self, rest: Option<&'a [u8]>) -> Result<(), Stop> {
        self.rest = rest;
        if rest.is_some() { Ok(()) } else { Err(Stop::Differs) }
    }

    #[inline]
    fn eat(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let rest = self.rest.and_then(|rest| rest.split_at_checked(bytes.len()));
        self.go_on(rest.filter(|(head, _)| same(head, bytes)).map(|(_, rest)| rest))
    }

    #[inline]
    fn eat_array<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), Stop> {
        let rest = self.rest.and_then(|rest| rest.split_first_chunk::<N>());
        self.go_on(rest.filter(|(head, _)| **head == bytes).map(|(_, rest)| rest))
    }

    #[inline]
    fn eat_sized(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match tag::short(bytes.len()) {
            Some(n) => self.eat_array([n])?,
            None => {
                let Ok(n) = u32::try_from(bytes.len()) else { return self.go_on(None) };
                self.eat_array([LONG])?;
                self.eat_array(n.to_le_bytes())?;
            }
        }
        self.eat(bytes)
    }
}

impl Sink for Compare<'_> {
    type Fields = ();
    type Bag = (Box<Writer>, <Writer as Sink>::Bag);

    #[inline]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), Stop> {
        self.eat_array([tag])?;
        self.eat_array(bytes)
    }

    #[inline]
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.eat_array([tag])?;
        self.eat_sized(bytes)
    }

    // Inlined so that the name is a constant: it then compares as two words.
    #[inline(always)]
    fn name(&mut self, name: &str) -> Result<(), Stop> {
        self.eat_sized(name.as_bytes())
    }

    #[inline]
    fn open_fields(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    #[inline(always)]
    fn open_field(&mut self, (): &mut (), name: &str) -> Result<(), Stop> {
        self.name(name)
    }

    #[inline]
    fn close_field(&mut self, (): &mut ()) -> Result<(), Stop> {
        Ok(())
    }

    #[inline]
    fn close_fields(&mut self, (): ()) -> Result<(), Stop> {
        self.eat_array([tag::END])
    }

    fn open_bag(&mut self, tag: u8) -> Result<Self::Bag, Stop> {
        let mut writer = Writer::take(Fields::AsMet);
        let bag = writer.open_bag(tag)?;
        Ok((writer, bag))
    }

    fn bag_part<T: Serialize + ?Sized>(
        &mut self,
        bag: &mut Self::Bag,
        depth: u32,
        part: Part,
        value: &T,
    ) -> Result<(), Stop> {
        let (writer, group) = bag;
        writer.bag_part(group, depth, part, value)
    }

    fn close_bag(&mut self, bag: Self::Bag) -> Result<(), Stop> {
        let (mut writer, group) = bag;
        let outcome = writer.close_bag(group).and_then(|()| self.eat(writer.bytes()?));
        writer.give_back();
        outcome
    }

    fn poison(&mut self, stop: Stop) {
        self.rest = None;
        self.refused |= stop != Stop::Differs;
    }
}

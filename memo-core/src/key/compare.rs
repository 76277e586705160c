//! The comparing sink: is what is being serialized what these bytes say?

use serde::Serialize;

use super::encoder::{Part, Sink};
use super::read::{self, Field};
use super::short::same;
use super::tag::{self, LONG, Stop};
use super::write::Writer;

/// How a comparison came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Equal,
    Differs,
    /// A struct with more fields than the comparer keeps track of: write the key and compare bytes.
    Unsure,
}

pub(crate) struct Compare<'a> {
    /// What has not been matched yet; `None` once something failed to.
    rest: Option<&'a [u8]>,
    unsure: bool,
}

/// The fields of a struct: where those stored begin, which were matched, and what follows the last of these.
pub(crate) struct Fields<'a> {
    stored: &'a [u8],
    matched: u64,
    /// What follows the field that is being compared.
    after: &'a [u8],
    /// One more than the number of the last matched field, and what follows it.
    end: (u32, &'a [u8]),
}

impl<'a> Compare<'a> {
    #[inline]
    pub(crate) fn new(stored: &'a [u8]) -> Self {
        Self { rest: Some(stored), unsure: false }
    }

    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        if self.unsure {
            Verdict::Unsure
        } else if self.rest.is_some_and(<[u8]>::is_empty) {
            Verdict::Equal
        } else {
            Verdict::Differs
        }
    }

    #[inline]
    fn fail<T>(&mut self) -> Result<T, Stop> {
        self.rest = None;
        Err(Stop::Differs)
    }

    #[inline]
    fn eat(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match self.rest.and_then(|rest| rest.split_at_checked(bytes.len())) {
            Some((head, rest)) if same(head, bytes) => {
                self.rest = Some(rest);
                Ok(())
            }
            _ => self.fail(),
        }
    }

    #[inline]
    fn eat_array<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), Stop> {
        match self.rest.and_then(|rest| rest.split_first_chunk::<N>()) {
            Some((head, rest)) if *head == bytes => {
                self.rest = Some(rest);
                Ok(())
            }
            _ => self.fail(),
        }
    }

    #[inline]
    fn eat_sized(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match tag::short(bytes.len()) {
            Some(n) => self.eat_array([n])?,
            None => {
                let Ok(n) = u32::try_from(bytes.len()) else { return self.fail() };
                self.eat_array([LONG])?;
                self.eat_array(n.to_le_bytes())?;
            }
        }
        self.eat(bytes)
    }
}

impl<'a> Fields<'a> {
    /// Finds the stored field of this name: its number and itself. Fields that come in stored order are found at once.
    #[inline(always)]
    fn find(&self, name: &[u8]) -> Option<(u32, Field<'a>)> {
        let beyond = read::field(self.end.1).filter(|field| same(field.name, name));
        if let Some(field) = beyond {
            return Some((self.end.0, field));
        }
        let (mut number, mut at) = (0, self.stored);
        while let Some(field) = read::field(at) {
            if same(field.name, name) {
                return Some((number, field));
            }
            (number, at) = (number + 1, field.after);
        }
        None
    }
}

impl<'a> Sink for Compare<'a> {
    type Fields = Fields<'a>;
    type Bag = (Box<Writer>, <Writer as Sink>::Bag);

    #[inline]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), Stop> {
        match self.rest {
            Some([first, tail @ ..]) if *first == tag => match tail.split_first_chunk::<N>() {
                Some((head, rest)) if *head == bytes => {
                    self.rest = Some(rest);
                    Ok(())
                }
                _ => self.fail(),
            },
            _ => self.fail(),
        }
    }

    #[inline]
    fn blob(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Stop> {
        self.eat_array([tag])?;
        self.eat_sized(bytes)
    }

    #[inline]
    fn name(&mut self, name: &str) -> Result<(), Stop> {
        self.eat_sized(name.as_bytes())
    }

    #[inline]
    fn open_fields(&mut self) -> Result<Fields<'a>, Stop> {
        match self.rest {
            Some(stored) => Ok(Fields { stored, matched: 0, after: stored, end: (0, stored) }),
            None => self.fail(),
        }
    }

    // Inlined so that the name is a constant: it then compares as two words.
    #[inline(always)]
    fn open_field(&mut self, fields: &mut Fields<'a>, name: &str) -> Result<(), Stop> {
        let Some((number, field)) = fields.find(name.as_bytes()) else { return self.fail() };
        if number >= u64::BITS {
            self.unsure = true;
            return self.fail();
        }
        let bit = 1 << number;
        if self.rest.is_none() || fields.matched & bit != 0 {
            return self.fail();
        }
        fields.matched |= bit;
        fields.after = field.after;
        if number >= fields.end.0 {
            fields.end = (number + 1, field.after);
        }
        self.rest = Some(field.value);
        Ok(())
    }

    /// The field's value must be matched whole before the next field is.
    #[inline]
    fn close_field(&mut self, fields: &mut Fields<'a>) -> Result<(), Stop> {
        match self.rest {
            Some([]) => {
                self.rest = Some(fields.after);
                Ok(())
            }
            _ => self.fail(),
        }
    }

    /// Every stored field must have been matched, not just every field that came: those up to the last matched one,
    /// and that one must be the last.
    #[inline]
    fn close_fields(&mut self, fields: Fields<'a>) -> Result<(), Stop> {
        let (count, after) = fields.end;
        if self.rest.is_none() || fields.matched.trailing_ones() != count {
            return self.fail();
        }
        self.rest = Some(after);
        self.eat_array([tag::END])
    }

    fn open_bag(&mut self, tag: u8) -> Result<Self::Bag, Stop> {
        let mut writer = Writer::take();
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

    fn poison(&mut self, _: Stop) {
        self.rest = None;
    }
}

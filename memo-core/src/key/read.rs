//! Reading of encoded keys. It passes bytes to a sink in the way in which the encoded values would be passed.

use super::items::Items;
use super::tag::{self, END, LONG, MAX_DEPTH};

/// Splits off bytes that follow their length. Returns them and the rest.
#[inline]
pub(crate) fn split_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes.split_first()? {
        (&LONG, rest) => {
            let (len, rest) = rest.split_first_chunk::<4>()?;
            let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
            // Each length has only one valid form.
            if tag::short(len).is_some() { None } else { rest.split_at_checked(len) }
        }
        (&END, _) => None,
        (&len, rest) => rest.split_at_checked(usize::from(len)),
    }
}

/// A position in an encoded key.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a [u8],
    pub(crate) depth: u32,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: MAX_DEPTH }
    }

    pub(crate) fn tag(&mut self) -> Option<u8> {
        let (&tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(tag)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    pub(crate) fn sized(&mut self) -> Option<&'a [u8]> {
        let (bytes, rest) = split_sized(self.rest)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.sized()?).ok()
    }

    /// Reports whether the end mark is next, and if so steps over it.
    pub(crate) fn at_end(&mut self) -> bool {
        match self.rest.strip_prefix(&[END]) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn deeper(&self) -> Option<Self> {
        Some(Self { rest: self.rest, depth: self.depth.checked_sub(1)? })
    }

    /// Passes the next value to `sink`.
    fn replay<S: Items>(&mut self, sink: &mut S) -> Option<()> {
        let tag = self.tag()?;
        match tag {
            tag::UNIT | tag::FALSE | tag::TRUE | tag::NONE => sink.fixed(tag, []).ok()?,
            tag::U8 | tag::I8 => sink.fixed(tag, self.array::<1>()?).ok()?,
            tag::U16 | tag::I16 => sink.fixed(tag, self.array::<2>()?).ok()?,
            tag::U32 | tag::I32 | tag::F32 | tag::CHAR => {
                sink.fixed(tag, self.array::<4>()?).ok()?;
            }
            tag::U64 | tag::I64 | tag::F64 => sink.fixed(tag, self.array::<8>()?).ok()?,
            tag::U128 | tag::I128 => sink.fixed(tag, self.array::<16>()?).ok()?,
            tag::STR => sink.blob(tag, self.text()?.as_bytes()).ok()?,
            tag::BYTES | tag::OCTETS | tag::DIGEST => sink.blob(tag, self.sized()?).ok()?,
            tag::SOME => {
                sink.fixed(tag, []).ok()?;
                self.nested(|inner| inner.replay(sink))?;
            }
            tag::SEQ | tag::ENTRIES => {
                sink.fixed(tag, []).ok()?;
                self.replay_ordered(sink)?;
            }
            tag::SET | tag::MAP => self.nested(|inner| inner.replay_bag(sink, tag))?,
            tag::UNIT_STRUCT | tag::NEWTYPE_STRUCT | tag::TUPLE_STRUCT | tag::STRUCT => {
                sink.fixed(tag, []).ok()?;
                sink.name(self.text()?).ok()?;
                self.replay_body(sink, tag)?;
            }
            tag::UNIT_VARIANT..=tag::STRUCT_VARIANT => {
                sink.fixed(tag, self.array::<4>()?).ok()?;
                sink.name(self.text()?).ok()?;
                sink.name(self.text()?).ok()?;
                self.replay_body(sink, tag)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn replay_body<S: Items>(&mut self, sink: &mut S, tag: u8) -> Option<()> {
        match tag {
            tag::NEWTYPE_STRUCT | tag::NEWTYPE_VARIANT => self.nested(|inner| inner.replay(sink)),
            tag::TUPLE_STRUCT | tag::TUPLE_VARIANT => self.replay_ordered(sink),
            tag::STRUCT | tag::STRUCT_VARIANT => self.nested(|inner| inner.replay_fields(sink)),
            _ => Some(()),
        }
    }

    pub(crate) fn nested<R>(&mut self, f: impl FnOnce(&mut Self) -> Option<R>) -> Option<R> {
        let mut inner = self.deeper()?;
        let result = f(&mut inner)?;
        self.rest = inner.rest;
        Some(result)
    }

    fn replay_ordered<S: Items>(&mut self, sink: &mut S) -> Option<()> {
        self.nested(|inner| {
            while !inner.at_end() {
                inner.replay(sink)?;
            }
            Some(())
        })?;
        sink.fixed(END, []).ok()
    }

    fn replay_bag<S: Items>(&mut self, sink: &mut S, tag: u8) -> Option<()> {
        let mut bag = sink.open_bag(tag).ok()?;
        while !self.at_end() {
            sink.open_item(&mut bag);
            self.replay(sink)?;
            if tag == tag::MAP {
                sink.split_item(&mut bag);
                self.replay(sink)?;
            }
            sink.close_item(&mut bag);
        }
        sink.close_bag(bag).ok()
    }

    fn replay_fields<S: Items>(&mut self, sink: &mut S) -> Option<()> {
        let mut fields = sink.open_fields().ok()?;
        while !self.at_end() {
            sink.open_field(&mut fields, self.text()?).ok()?;
            self.replay(sink)?;
            sink.close_field(&mut fields).ok()?;
        }
        sink.close_fields(fields).ok()
    }
}

/// Passes the first value that `bytes` encode to `sink`, and returns the bytes behind it.
pub(crate) fn replay_first<'a, S: Items>(bytes: &'a [u8], sink: &mut S) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(bytes);
    cursor.replay(sink)?;
    Some(cursor.rest)
}

/// Passes the values that `bytes` encode to `sink`, one after another. Returns `None` if the bytes are not an encoding.
pub(crate) fn replay<S: Items>(bytes: &[u8], sink: &mut S) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.rest.is_empty() {
        cursor.replay(sink)?;
    }
    Some(())
}

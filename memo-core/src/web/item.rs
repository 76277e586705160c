//! The text of one result.

use super::base64;
use super::name;
use super::seal::{self, Fault};
use crate::persist::{Cost, WallMillis};

/// One result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// When it was computed.
    pub(crate) created: WallMillis,
    /// When it expires. `None`: never.
    pub(crate) expires: Option<WallMillis>,
    pub(crate) cost: Cost,
    /// Eight bytes a tag.
    pub(crate) tags: Vec<u8>,
    /// The value, as its codec encoded it.
    pub(crate) value: Vec<u8>,
}

/// Stands for what there is none of.
const NONE: &str = "-";

impl Item {
    /// Returns the text under the name of `key`. `says_key`: the name does not.
    pub(super) fn text(&self, name: &str, key: &[u8], says_key: bool) -> String {
        let Self { created, expires, cost, tags, value } = self;
        let or_none = |text: String| if text.is_empty() { NONE.to_owned() } else { text };
        let expires = expires.map_or_else(|| NONE.to_owned(), |at| at.to_string());
        let tags = or_none(base64::encode(tags));
        let key = or_none(if says_key { base64::encode(key) } else { String::new() });
        let (cost, value) = (cost.to_byte(), base64::encode(value));
        seal::seal(name, &format!("{created} {expires} {cost} {tags} {key} {value}"))
    }

    /// Returns the key and the result that a text says. `part`: the last part of the name.
    ///
    /// # Errors
    /// It says none.
    pub(super) fn parse(name: &str, part: &str, text: &str) -> Result<(Vec<u8>, Self), Fault> {
        let content = seal::open(name, text)?;
        Self::read(part, content).ok_or(Fault::Foreign)
    }

    fn read(part: &str, content: &str) -> Option<(Vec<u8>, Self)> {
        let mut words = content.split(' ');
        let mut word = || words.next();
        let created = word()?.parse().ok()?;
        let expires = match word()? {
            NONE => None,
            at => Some(at.parse().ok()?),
        };
        let cost = Cost::from_byte(word()?.parse().ok()?);
        let tags = optional(word()?)?.unwrap_or_default();
        let key = optional(word()?)?;
        let value = base64::decode(word()?)?;
        let key = key.or_else(|| name::key_of(part))?;
        Some((key, Self { created, expires, cost, tags, value }))
    }

    /// Returns when the result was computed and when it expires, without looking at the rest.
    pub(super) fn times(text: &str) -> (WallMillis, Option<WallMillis>) {
        let mut words = text.split(' ').skip(2).map(|word| word.parse().ok());
        (words.next().flatten().unwrap_or(0), words.next().flatten())
    }
}

/// Returns the bytes, or `Some(None)` if there are none.
fn optional(word: &str) -> Option<Option<Vec<u8>>> {
    if word == NONE { Some(None) } else { base64::decode(word).map(Some) }
}

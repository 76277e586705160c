//! What a tab tells the others: what is no longer valid. There is one such text for each version of a function. Setting
//! it is what tells the others, and its number tells a tab that has missed one.

use super::base64;
use super::seal;
use crate::key::Tag;
use crate::persist::{Removal, WallMillis};

/// The last removal, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) number: u64,
    /// `None`: there was none yet.
    pub(super) removal: Option<Removal>,
}

impl Notice {
    /// Returns the text under that name. It begins with the time, as that of an item does: other versions take an old one
    /// for that of a version that nobody runs.
    pub(super) fn text(&self, name: &str, now: WallMillis) -> String {
        let removal = match &self.removal {
            None => "none".to_owned(),
            Some(Removal::All) => "all".to_owned(),
            Some(Removal::Tag(tag)) => format!("tag {}", tag.bits()),
            Some(Removal::Key(key)) => format!("key {}", base64::encode(key)),
        };
        seal::seal(name, &format!("{now} {} {removal}", self.number))
    }

    /// Returns what a text says, or `None` if it says nothing.
    pub(super) fn parse(name: &str, text: &str) -> Option<Self> {
        let mut words = seal::open(name, text).ok()?.split(' ').skip(1);
        let number = words.next()?.parse().ok()?;
        let removal = match (words.next()?, words.next()) {
            ("none", None) => None,
            ("all", None) => Some(Removal::All),
            ("tag", Some(tag)) => Some(Removal::Tag(Tag::from_bits(tag.parse().ok()?))),
            ("key", Some(key)) => Some(Removal::Key(base64::decode(key)?.into())),
            _ => return None,
        };
        Some(Self { number, removal })
    }
}

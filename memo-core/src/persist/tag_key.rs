//! The removal of all results with a tag, written as the removal of a key that no call has. So all that makes a removal
//! durable, and known to other processes, holds for it as it is.

use super::frame::TAG;
use crate::key::Tag;
use crate::key::tag::END;

/// No key begins with this.
const PREFIX: [u8; 4] = [END, b't', b'a', b'g'];
const LEN: usize = PREFIX.len() + TAG;

/// Returns the key whose removal is the removal of all results with `tag`.
pub(crate) fn tag_key(tag: Tag) -> [u8; LEN] {
    let mut key = [0; LEN];
    key[..PREFIX.len()].copy_from_slice(&PREFIX);
    key[PREFIX.len()..].copy_from_slice(&tag.bits().to_le_bytes());
    key
}

/// Returns the tag if this is the key of one.
pub(crate) fn tag_of(key: &[u8]) -> Option<Tag> {
    tags(key.strip_prefix(&PREFIX)?).next().filter(|_| key.len() == LEN)
}

/// Returns the tags in a record.
pub(crate) fn tags(bytes: &[u8]) -> impl Iterator<Item = Tag> {
    let tags = bytes.chunks_exact(TAG).filter_map(|tag| tag.first_chunk());
    tags.map(|tag| Tag::from_bits(u64::from_le_bytes(*tag)))
}

/// Returns tags as they stand in a record.
pub(crate) fn tag_bytes(tags: &[Tag]) -> Vec<u8> {
    tags.iter().flat_map(|tag| tag.bits().to_le_bytes()).collect()
}

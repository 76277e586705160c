//! The keys whose names in a tier have a digest, by that digest. The store tells of changes by names, and memory is
//! searched by keys.

use std::collections::HashMap;

use crate::platform::sync::usual::Mutex;
use crate::remote::Part;

/// As long as there are no more, none is forgotten.
const FEW: usize = 1000;

/// The long keys of one cache.
#[derive(Default)]
pub(crate) struct LongKeys(Mutex<State>);

#[derive(Default)]
struct State {
    keys: HashMap<[u8; 32], Box<[u8]>>,
    /// How many were left when some were forgotten last. `None`: none was ever forgotten.
    left: Option<usize>,
}

impl LongKeys {
    /// Notes a key that memory has, or is about to have. Once there are twice as many as there were before, forgets
    /// those that memory neither has nor computes.
    pub(crate) fn note(&self, part: &Part, key: &[u8], is_known: impl Fn(&[u8]) -> bool) {
        let Part::Digest(digest) = part else { return };
        let mut state = self.0.lock();
        state.keys.insert(*digest, key.into());
        if state.keys.len() > FEW.max(2 * state.left.unwrap_or(0)) {
            state.keys.retain(|_, key| is_known(key));
            state.left = Some(state.keys.len());
        }
    }

    /// Returns the key of a part of a name, if it was noted or needs not be.
    pub(crate) fn find(&self, part: &Part) -> Option<Box<[u8]>> {
        match part {
            Part::Key(key) => Some(key.as_slice().into()),
            Part::Digest(digest) => self.0.lock().keys.get(digest).cloned(),
            Part::All | Part::Tag(_) => None,
        }
    }

    /// Returns whether a key that is not found may have been noted.
    pub(crate) fn may_have_forgotten(&self) -> bool {
        self.0.lock().left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_any_more_is_forgotten_in_time() {
        let keys = LongKeys::default();
        let part = |n: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&(n as u64).to_le_bytes());
            Part::Digest(digest)
        };
        let note = |n: usize| keys.note(&part(n), &n.to_le_bytes(), |key| key[0] == 0);
        (0..FEW).for_each(note);
        assert!(!keys.may_have_forgotten());
        (FEW..20 * FEW).for_each(note);
        assert!(keys.may_have_forgotten());
        assert!(keys.0.lock().keys.len() <= FEW + 1);
        assert_eq!(keys.find(&part(256)), Some(256_usize.to_le_bytes().into()));
        assert_eq!(keys.find(&part(257)), None);
    }
}

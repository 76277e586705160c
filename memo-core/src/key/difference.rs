//! In which arguments two keys differ.

use std::fmt;

use super::argument::split;
use super::call_key::Key;
use super::digest::Digest;
use super::tree;

/// Two keys that are nearly the same.
pub(crate) struct Difference {
    /// The place of the first argument that differs.
    pub(crate) place: usize,
    /// Its text in the key that was asked for, and in the one that is held.
    pub(crate) asked: String,
    pub(crate) held: String,
    /// How many more arguments differ.
    pub(crate) others: usize,
}

/// Of texts, the first so many characters are shown.
const SHOWN: usize = 200;

/// Returns how the key that is nearest to `asked` differs from it, if one is near: if some arguments are the same, or if
/// all that differ have nearly the same text. `asked` is the canonical form; `held` are keys as caches store them.
pub(crate) fn nearest<'a>(
    asked: &[u8],
    held: impl Iterator<Item = &'a [u8]>,
) -> Option<Difference> {
    let asked = arguments(asked)?;
    let (mut best, mut least) = (None, (usize::MAX, usize::MAX));
    for stored in held {
        let canonical = Key::from_bytes(stored);
        let Some(held) = canonical.bytes().and_then(arguments) else { continue };
        let Some(distance) = distance(&asked, &held) else { continue };
        if distance < least {
            least = distance;
            best = difference(&asked, &held);
        }
    }
    best
}

/// Returns the bytes of each argument, or `None` for a digest, of which only the whole is known.
#[inline]
fn arguments(key: &[u8]) -> Option<Vec<&[u8]>> {
    if Digest::of(key).is_some() { None } else { split(key) }
}

/// Returns how many arguments differ, and by how many bytes, or `None` if the keys are not near each other.
#[inline]
fn distance(asked: &[&[u8]], held: &[&[u8]]) -> Option<(usize, usize)> {
    if asked.len() != held.len() {
        return None;
    }
    let differ = || asked.iter().zip(held).filter(|(asked, held)| asked != held);
    let (count, bytes) = (differ().count(), differ().map(|(asked, held)| apart(asked, held)).sum());
    let near = count < asked.len() || differ().all(|(asked, held)| are_alike(asked, held));
    (count > 0 && near).then_some((count, bytes))
}

/// Returns how many bytes lie between the beginning and the end that both have.
#[inline]
fn apart(a: &[u8], b: &[u8]) -> usize {
    let begin = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[begin..], &b[begin..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    a.len().max(b.len()) - end
}

/// Returns whether a person could take one for the other: texts that differ only in case and space, or that differ in
/// a small part. Numbers do not count as alike, unless only their types differ.
#[inline]
fn are_alike(asked: &[u8], held: &[u8]) -> bool {
    let (asked, held) = (text(asked), text(held));
    let plain = |text: &str| {
        text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect::<String>()
    };
    let longer = asked.len().max(held.len());
    let is_composed = |text: &str| text.starts_with(['"', '{', '[', '(']);
    plain(&asked) == plain(&held)
        || is_composed(&asked) && 4 * apart(asked.as_bytes(), held.as_bytes()) <= longer
}

#[inline]
fn difference(asked: &[&[u8]], held: &[&[u8]]) -> Option<Difference> {
    let mut differ = (0..asked.len()).filter(|place| asked[*place] != held[*place]);
    let place = differ.next()?;
    let others = differ.count();
    let (mut asked, held) = (text(asked[place]), text(held[place]));
    if asked == held {
        // Such as a number of another type, or a struct of another name.
        asked.push_str(" of another type");
    }
    Some(Difference { place, asked: shortened(&asked), held: shortened(&held), others })
}

#[inline]
fn text(argument: &[u8]) -> String {
    struct Printed<'a>(&'a [u8]);
    impl fmt::Display for Printed<'_> {
        #[inline]
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tree::print_value(self.0, f)
        }
    }
    Printed(argument).to_string()
}

#[inline]
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::arguments::Serialized;

    fn key(text: &str, n: u32) -> Key {
        Key::of(&(Serialized(&text), (Serialized(&n), ())))
    }

    fn found(asked: &Key, held: &[&Key]) -> Option<(usize, String, String, usize)> {
        let found = nearest(asked.bytes().unwrap(), held.iter().map(|key| key.bytes().unwrap()))?;
        Some((found.place, found.asked, found.held, found.others))
    }

    fn one<T: serde::Serialize>(value: &T) -> Key {
        Key::of(&(Serialized(value), ()))
    }

    #[test]
    fn the_key_with_the_fewest_differences_is_nearest() {
        let held = [&key("b", 1), &key("a", 2), &key("b", 2)];
        let expected = (1, "1".to_owned(), "2".to_owned(), 0);
        assert_eq!(found(&key("a", 1), &held[1..]), Some(expected));
        let expected = (0, "\"c\"".to_owned(), "\"a\"".to_owned(), 0);
        assert_eq!(found(&key("c", 2), &held), Some(expected));
        assert_eq!(found(&key("z", 9), &held), None);
        assert_eq!(found(&key("a", 1), &[&one(&"a"), &key("a", 1)]), None, "the same, or shorter");
    }

    #[test]
    fn the_only_argument_is_near_if_its_text_is() {
        let differ = |asked: &Key, held: &Key| found(asked, &[held]).map(|found| found.0);
        assert_eq!(differ(&one(&"ACME"), &one(&"acme ")), Some(0));
        assert_eq!(differ(&one(&"ACME"), &one(&"Xylo")), None);
        assert_eq!(
            differ(&one(&123_456), &one(&123_457)),
            None,
            "numbers are near each other anyway"
        );
        let query = |limit: u32| one(&("a table of users", limit));
        assert_eq!(differ(&query(1), &query(2)), Some(0));
        let expected = (0, "5 of another type".to_owned(), "5".to_owned(), 0);
        assert_eq!(found(&one(&5_u32), &[&one(&5_u64)]), Some(expected));
    }

    #[test]
    fn long_values_are_shortened() {
        let (asked, held) = (key(&"é".repeat(5000), 1), key("b", 1));
        let (_, asked, held, _) = found(&asked, &[&held]).unwrap();
        assert_eq!((asked.chars().count(), &*held), (SHOWN + 2, "\"b\""));
    }
}

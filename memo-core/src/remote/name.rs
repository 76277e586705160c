//! The names of entries and groups in a shared store: readable text. docs/format.md specifies them.

use sha2::{Digest as _, Sha256};

use super::envelope::FORMAT;
use crate::key::Tag;
use crate::persist::{Identity, label};

/// All names begin with this.
const ROOT: &str = "memokit:";
/// The longest text of a key, in bytes. A digest stands for a longer one.
const MAX_TEXT: usize = 120;
/// The text of a digest begins with this, and no other text does.
const DIGEST: &str = "sha256-";
/// The text of no bytes. Redis Cluster takes no notice of braces with nothing between them.
const EMPTY: &str = "()";
const ALL: &str = "!all";
const TAG: &str = "!tag:";

/// What the names of a function's entries begin with. Functions, versions and instances that differ have different
/// ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionName(String);

/// What a name stands for, within the part that [`split`] returns with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// The entry with this key.
    Key(Vec<u8>),
    /// The entry whose key has this SHA-256 hash.
    Digest([u8; 32]),
    /// All entries of the function, as a group.
    All,
    /// All entries of the namespace with this tag, as a group.
    Tag(Tag),
}

/// Returns what all names of a namespace begin with.
pub(crate) fn prefix(namespace: &str) -> String {
    let namespace = if namespace.is_empty() { "default" } else { namespace };
    format!("{ROOT}{}:", escaped(namespace.as_bytes()))
}

/// Returns the name of the group of all entries of the namespace with this tag.
pub(crate) fn tag_group(namespace: &str, tag: Tag) -> String {
    format!("{}{TAG}{:016x}", prefix(namespace), tag.bits())
}

/// Returns the number that stands for a group in an envelope. That of a tag is the tag.
pub(crate) fn group_hash(group: &str) -> u64 {
    let tag = if group.ends_with(ALL) { None } else { split(group) };
    if let Some((_, Part::Tag(tag))) = tag {
        return tag.bits();
    }
    u64::from_le_bytes(first_bytes(Sha256::new_with_prefix(group)))
}

impl FunctionName {
    /// Returns the name for the function with this `path` in a namespace. `instance` tells apart instances with the
    /// same path.
    pub(crate) fn new(namespace: &str, path: &str, instance: u64, identity: &Identity) -> Self {
        let fingerprint = hex(&fingerprint(path, instance, identity));
        Self(format!("{}{}:{fingerprint}:", prefix(namespace), label(path)))
    }

    /// Returns the text, with the colon at its end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the entry with this key.
    pub(crate) fn entry(&self, key: &[u8]) -> String {
        format!("{}{{{}}}", self.0, text(key))
    }

    /// Returns the digest that the name of one of these entries holds in place of its key, if it does.
    pub(crate) fn digest(&self, entry: &str) -> Option<[u8; 32]> {
        let text = entry.strip_prefix(&self.0)?.strip_prefix('{')?.strip_suffix('}')?;
        bytes_of_hex(text.strip_prefix(DIGEST)?)
    }

    /// Returns the name of the group of all entries.
    pub(crate) fn group(&self) -> String {
        format!("{}{ALL}", self.0)
    }
}

/// Takes a name apart: the part of its function, or of its namespace if it is that of a tag, and the rest. Returns
/// `None` for a name that is not ours.
pub(crate) fn split(name: &str) -> Option<(&str, Part)> {
    let (namespace, rest) = name.strip_prefix(ROOT)?.split_once(':')?;
    let before = |rest: &str| &name[..name.len() - rest.len()];
    let is_escaped = escaped(&unescaped(namespace)?) == namespace;
    if namespace.is_empty() || !is_escaped {
        return None;
    }
    if let Some(tag) = rest.strip_prefix(TAG) {
        let bits = bytes_of_hex(tag).map(u64::from_be_bytes)?;
        return Some((before(rest), Part::Tag(Tag::from_bits(bits))));
    }
    let (label, rest) = rest.split_once(':')?;
    let (fingerprint, rest) = rest.split_once(':')?;
    let is_label = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !is_label || bytes_of_hex::<8>(fingerprint).is_none() {
        return None;
    }
    let part = match rest {
        ALL => Part::All,
        _ => read(rest.strip_prefix('{')?.strip_suffix('}')?)?,
    };
    Some((before(rest), part))
}

/// Returns a hash of all that tells two functions, two versions of one, or two instances apart.
fn fingerprint(path: &str, instance: u64, identity: &Identity) -> [u8; 8] {
    let Identity { function, key_format, schema, code } = identity;
    let mut hash = Sha256::new();
    for text in [path, function] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update([FORMAT]);
    hash.update(instance.to_le_bytes());
    hash.update(key_format.to_le_bytes());
    hash.update(schema.to_le_bytes());
    hash.update(code.to_le_bytes());
    first_bytes(hash)
}

fn first_bytes(hash: Sha256) -> [u8; 8] {
    *hash.finalize().first_chunk().expect("a hash of 32 bytes")
}

/// Returns the text of a key. Different bytes have different texts.
fn text(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return EMPTY.to_owned();
    }
    // No text is shorter than its bytes.
    if bytes.len() <= MAX_TEXT {
        let mut text = escaped(bytes);
        if text.starts_with(DIGEST) {
            text.replace_range(..1, "%73");
        }
        if text.len() <= MAX_TEXT {
            return text;
        }
    }
    format!("{DIGEST}{}", hex(&Sha256::digest(bytes)))
}

/// Returns what [`text`] made this text of, or `None` if it made it of nothing.
fn read(written: &str) -> Option<Part> {
    if written == EMPTY {
        return Some(Part::Key(Vec::new()));
    }
    if let Some(digest) = written.strip_prefix(DIGEST) {
        return bytes_of_hex(digest).map(Part::Digest);
    }
    if written.len() > MAX_TEXT {
        return None;
    }
    let bytes = unescaped(written)?;
    // There are other ways to escape, which are not ours.
    (text(&bytes) == written).then_some(Part::Key(bytes))
}

/// Returns the bytes with all escaped (`%` and two digits) but letters, digits and a few marks that have no meaning in
/// names, in patterns of Redis or in a shell.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~/@,+=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend(digits(byte).map(|digit| digit.to_ascii_uppercase()));
        }
    }
    text
}

/// Returns the bytes that a text stands for, however it is escaped.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (&digits, after) = rest.split_first_chunk()?;
            bytes.push(byte_of_digits(digits)?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|&byte| digits(byte)).collect()
}

/// Returns the bytes that [`hex`] made this text of.
fn bytes_of_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = byte_of_digits([digits[0], digits[1]])?;
    }
    (hex(&bytes) == text).then_some(bytes)
}

fn digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
}

fn byte_of_digits(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? << 4 | low?).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::noise::noise;
    use super::*;

    fn identity() -> Identity {
        Identity { function: "f".to_owned(), key_format: 1, schema: 2, code: 3 }
    }

    fn quote() -> FunctionName {
        FunctionName::new("shop", "my_crate::api::quote", 0, &identity())
    }

    fn has_digest(entry: &str) -> bool {
        matches!(split(entry), Some((_, Part::Digest(_))))
    }

    #[test]
    fn a_person_can_read_a_name() {
        let (name, key) = (quote(), b"\x11\x04ACME");
        let (before, fingerprint) =
            name.as_str()[..name.as_str().len() - 1].rsplit_once(':').unwrap();
        assert_eq!(before, "memokit:shop:my_crate.api.quote");
        assert_eq!(fingerprint.len(), 16);
        assert_eq!(name.entry(key), format!("{before}:{fingerprint}:{{%11%04ACME}}"));
        assert_eq!(name.entry(b""), format!("{before}:{fingerprint}:{{()}}"));
        assert_eq!(name.group(), format!("{before}:{fingerprint}:!all"));
        assert_eq!(tag_group("shop", Tag::from_bits(0xa7)), "memokit:shop:!tag:00000000000000a7");
        assert_eq!(prefix(""), "memokit:default:");
        assert_eq!(prefix("a:{b}!%"), "memokit:a%3A%7Bb%7D%21%25:");
        let method = FunctionName::new("", "<a::S<u16> as a::T>::d", 0, &identity());
        assert!(method.as_str().starts_with("memokit:default:a.S_u16_as_a.T_.d:"));
    }

    #[test]
    fn whatever_changes_gives_another_name() {
        let long = "m".repeat(5000);
        let paths = ["a::b", "a.b", "a::b<u8>", "a_b", "", "ab", &long, &format!("{long}m")];
        let mut names: Vec<_> =
            paths.map(|path| FunctionName::new("n", path, 0, &identity())).into();
        let others = [
            // Joined, the texts are the same.
            Identity { function: "bf".to_owned(), ..identity() },
            Identity { function: "g".to_owned(), ..identity() },
            Identity { key_format: 9, ..identity() },
            Identity { schema: 9, ..identity() },
            Identity { code: 9, ..identity() },
        ];
        names.extend(others.iter().map(|other| FunctionName::new("n", "a", 0, other)));
        names.push(FunctionName::new("n", "a", 1, &identity()));
        names.push(FunctionName::new("n", "a", 0, &identity()));
        names.push(FunctionName::new("other", "a", 0, &identity()));
        let mut texts: Vec<_> = names.iter().map(|name| name.as_str().to_owned()).collect();
        let fingerprint = |text: &String| text[text.len() - 17..].to_owned();
        let mut fingerprints: Vec<_> = texts.iter().map(fingerprint).collect();
        texts.sort();
        texts.dedup();
        fingerprints.sort();
        fingerprints.dedup();
        assert_eq!(texts.len(), names.len());
        // A namespace is no part of it.
        assert_eq!(fingerprints.len(), names.len() - 1);
    }

    /// Returns keys of many kinds, among them those that look like what stands for others.
    fn keys() -> Vec<Vec<u8>> {
        let digest = text(&[7; 500]).into_bytes();
        let mut keys: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        keys.extend((0..300).map(|len| vec![b'x'; len + 2]));
        keys.extend((0..300).map(|len| vec![b'{'; len + 2]));
        keys.extend(
            (1..digest.len()).map(|len| digest[..len].to_vec()).filter(|key| key.len() > 1),
        );
        keys.extend(
            [&b""[..], b"()", b"%28%29", b"%73", b"%7", b"%", b"sha256-"].map(<[u8]>::to_vec),
        );
        keys.extend([
            digest.clone(),
            [&b"%73"[..], &digest[1..]].concat(),
            vec![7; 500],
            vec![0; 70_000],
        ]);
        let mut noise = noise(1);
        for len in (9..139).cycle().take(3000) {
            keys.push(noise.by_ref().take(len).collect());
        }
        keys.sort();
        keys.dedup();
        keys
    }

    #[test]
    fn keys_have_different_names_that_are_read_back() {
        let (name, mut seen) = (quote(), HashMap::new());
        let mut digests = 0;
        for key in keys() {
            let entry = name.entry(&key);
            let text = &entry[name.as_str().len()..];
            assert!(text.len() <= MAX_TEXT + 2, "{text}");
            let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap();
            let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"{}:!*?[]\\".contains(&byte);
            assert!(!inner.is_empty() && inner.bytes().all(is_plain), "{text}");
            let (function, part) = split(&entry).expect("a name of ours");
            assert_eq!(function, name.as_str());
            let expected = match has_digest(&entry) {
                true => Part::Digest(Sha256::digest(&key).into()),
                false => Part::Key(key.clone()),
            };
            digests += u32::from(has_digest(&entry));
            assert_eq!(part, expected);
            assert_eq!(
                seen.insert(entry, key.clone()),
                None,
                "another key has the name of {key:?}"
            );
        }
        assert!(digests > 1000 && digests + 1000 < u32::try_from(seen.len()).unwrap(), "{digests}");
        assert_eq!(split(&name.group()), Some((name.as_str(), Part::All)));
    }

    #[test]
    fn the_longest_text_is_no_digest() {
        assert!(!has_digest(&quote().entry(&[b'x'; 120])));
        assert!(has_digest(&quote().entry(&[b'x'; 121])));
        assert!(!has_digest(&quote().entry(&[b' '; 40])));
        assert!(has_digest(&quote().entry(&[b' '; 41])));
        // Ten digits more than its length.
        let looks_like_one = [b"sha256-", &[b'0'; 111][..]].concat();
        assert!(!has_digest(&quote().entry(&looks_like_one)));
        assert!(has_digest(&quote().entry(&[&looks_like_one[..], b"0"].concat())));
    }

    #[test]
    fn all_namespaces_are_read_back() {
        for namespace in ["a", "a:b", "{}", "é", "%41", "sha256-", "!tag:", "()", " "] {
            let name = FunctionName::new(namespace, "f", 0, &identity());
            assert_eq!(split(&name.entry(b"k")), Some((name.as_str(), Part::Key(b"k".to_vec()))));
            let tag = Tag::from_bits(7);
            let group = tag_group(namespace, tag);
            assert_eq!(split(&group), Some((&*prefix(namespace), Part::Tag(tag))));
            assert_eq!(group_hash(&group), 7);
        }
        assert_ne!(prefix("%41"), prefix("A"));
    }

    #[test]
    fn other_names_are_not_ours() {
        let ours = quote().entry(b"a b");
        assert!(ours.ends_with(":{a%20b}") && split(&ours).is_some());
        let function = quote().as_str().to_owned();
        let digest = hex(&[0xab; 32]);
        for text in [
            "",
            "a%20b",
            "{a%20b",
            "a%20b}",
            "{a%20b}!lease",
            "{a%20b} ",
            "{}",
            "{{}}",
            "{a b}",
            "{%61}",
            "{%2}",
            "{%}",
            "{%zz}",
            "{a%7b}",
            "{%+1}",
            "{é}",
            "{%é}",
            "{%c3%A9}",
            "{!all}",
            "!",
            "!all!",
            "!tag:x",
            "{sha256-}",
            "{()()}",
            &format!("{{sha256-{}}}", digest.to_uppercase()),
            &format!("{{sha256-{digest}0}}"),
            &format!("{{sha256-{}}}", &digest[2..]),
            &format!("{{{}}}", "x".repeat(121)),
        ] {
            assert_eq!(split(&format!("{function}{text}")), None, "{text}");
        }
        for name in [
            "",
            "memokit",
            "memokit:",
            "memokit::",
            "memokit:a:",
            "memokit::!tag:a",
            "memokit:a:!tag:",
            "memokit:%41:!tag:a",
            "memokit:a:!tag:{}",
            "memokit:a:f:0123456789abcdef:",
            "memokit:a:f:0123456789abcde:!all",
            "memokit:a:f:0123456789ABCDEF:!all",
            "memokit:a:f:0123456789abcdef0:!all",
            "memokit:a:f !:0123456789abcdef:!all",
            "memokit:a b:f:0123456789abcdef:!all",
            "Memokit:a:f:0123456789abcdef:!all",
            "memokit:a:f:é123456789abcde:!all",
        ] {
            assert_eq!(split(name), None, "{name}");
        }
        assert!(split("memokit:a:f:0123456789abcdef:!all").is_some());
    }
}

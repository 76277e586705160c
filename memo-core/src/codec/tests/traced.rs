//! Types that tracing supports: types of the standard library, recursive types, types that validate.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroI64, NonZeroU8, Wrapping};
use std::ops::{Bound, Range, RangeInclusive};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use super::shape;
use crate::codec::trace::trace;
use crate::codec::{Codec, Postcard};

fn schema<T: Serialize + DeserializeOwned + 'static>() -> u128 {
    Codec::<T>::schema(&Postcard::new()).unwrap_or_else(|error| panic!("{error}"))
}

macro_rules! all_traced {
    ($($type:ty,)*) => {{
        let mut seen = HashMap::new();
        $(
            let name = stringify!($type);
            if let Some(other) = seen.insert(schema::<$type>(), name) {
                panic!("{name} and {other} have the same fingerprint");
            }
        )*
    }};
}

#[test]
fn standard_types_are_traced() {
    all_traced!(
        (),
        bool,
        char,
        u8,
        i128,
        usize,
        f32,
        f64,
        String,
        Box<str>,
        Cow<'static, str>,
        PathBuf,
        Vec<u8>,
        Vec<String>,
        Box<[u16]>,
        VecDeque<u8>,
        LinkedList<u8>,
        BinaryHeap<u8>,
        BTreeSet<u8>,
        HashSet<String>,
        HashMap<String, Vec<u32>>,
        BTreeMap<u8, BTreeMap<u8, String>>,
        Option<u8>,
        Option<Option<u8>>,
        Option<Box<String>>,
        Result<u8, String>,
        Result<(), ()>,
        Duration,
        SystemTime,
        IpAddr,
        Ipv4Addr,
        Ipv6Addr,
        SocketAddr,
        NonZeroU8,
        NonZeroI64,
        Wrapping<u8>,
        Range<u8>,
        RangeInclusive<u8>,
        Bound<u8>,
        PhantomData<u8>,
        [u8; 0],
        [u8; 1],
        [String; 32],
        [[u8; 16]; 16],
        (u8,),
        (u8, u16, String, Option<f32>),
        (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8),
        std::cell::Cell<u8>,
        std::cmp::Reverse<u8>,
    );
}

#[derive(Serialize, Deserialize)]
enum Tree {
    Node(Box<Tree>, Box<Tree>),
    Leaf(u32),
}

#[derive(Serialize, Deserialize)]
struct List {
    head: u8,
    tail: Option<Box<List>>,
}

#[derive(Serialize, Deserialize)]
struct Folder {
    name: String,
    files: Vec<File>,
}

#[derive(Serialize, Deserialize)]
struct File {
    size: u64,
    links: BTreeMap<String, Folder>,
    kind: FileKind,
}

#[derive(Serialize, Deserialize)]
enum FileKind {
    Archive(Box<Folder>),
    Alias { of: Option<Box<File>>, why: Reason },
    Plain,
}

#[derive(Serialize, Deserialize)]
enum Reason {
    Because(Box<FileKind>),
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Nested {
    inner: Vec<Nested>,
}

/// Only the filled option leads back to the type, through two structs.
#[derive(Serialize, Deserialize)]
enum Single {
    Only { next: Option<Wrapper> },
}

#[derive(Serialize, Deserialize)]
struct Wrapper {
    inner: Box<Single>,
}

#[test]
fn recursive_types_are_traced() {
    assert_eq!(
        shape::<Tree>().text(),
        "root(enum[4:Tree][4:Node4:Leaf](tuple-variant[2](#1;#1;)newtype-variant(u32())))"
    );
    assert_eq!(shape::<List>().text(), "root(struct[4:List][4:head4:tail](u8()option(#1;)))");
    assert_eq!(shape::<Nested>().text(), "root(seq(#1;))");
    assert_eq!(
        shape::<Single>().text(),
        "root(enum[6:Single][4:Only](struct-variant[4:next](option(\
         struct[7:Wrapper][5:inner](#1;)))))"
    );
    let folder = shape::<Folder>().text();
    for part in ["4:size5:links4:kind", "7:Archive5:Alias5:Plain", "7:Because7:Unknown", "u64()"] {
        assert!(folder.contains(part), "{folder}");
    }
    assert_eq!(folder, shape::<Folder>().text());
}

#[derive(Serialize, Deserialize)]
struct Endless {
    next: Box<Endless>,
}

#[test]
fn tracing_a_type_without_finite_values_ends() {
    let untraced = trace::<Endless>().unwrap_err();
    assert!(format!("{untraced:?}").contains("no finite value"), "{untraced:?}");
}

macro_rules! validated {
    ($($name:ident($inner:ty) if $valid:expr;)*) => {$(
        #[derive(Serialize)]
        struct $name($inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let inner = <$inner>::deserialize(deserializer)?;
                let valid: fn(&$inner) -> bool = $valid;
                if valid(&inner) { Ok(Self(inner)) } else { Err(D::Error::custom("refused")) }
            }
        }
    )*};
}

validated! {
    Even(u32) if |n| n.is_multiple_of(2);
    Name(String) if |text| !text.is_empty();
    Date(String) if |text| text.len() == 10 && text.as_bytes()[4] == b'-';
    Url(String) if |text| text.starts_with("http://");
    Some1(Vec<u8>) if |bytes| !bytes.is_empty();
    Quad(Vec<f32>) if |parts| parts.len() == 4;
    ZeroOne((u8, u8)) if |pair| *pair == (0, 1);
    Rising((u8, u8)) if |(low, high)| low < high;
    Password(String) if |text| text == "correct horse battery staple";
}

/// Serializes as `Uuid` does for formats that are not human-readable.
#[derive(Debug, PartialEq)]
struct Id([u8; 16]);

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Id;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("16 bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Id, E> {
                bytes.try_into().map(Id).map_err(E::custom)
            }
        }

        deserializer.deserialize_bytes(Visitor)
    }
}

#[derive(Serialize, Deserialize)]
struct Account {
    id: Id,
    name: Name,
    home: Option<Url>,
    since: Date,
    kind: AccountKind,
    tags: BTreeMap<Name, Some1>,
}

#[derive(Serialize, Deserialize)]
enum AccountKind {
    Free,
    Paid { until: Date, seats: NonZeroU8, range: Rising },
    Group(Vec<Account>, Even, Quad),
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

#[test]
fn validating_types_are_traced() {
    all_traced!(
        Even,
        Name,
        Date,
        Url,
        Some1,
        Quad,
        Rising,
        Id,
        (Date, Url, Id, Even),
        (ZeroOne, u8),
        Account,
    );
    assert_eq!(shape::<(Url, Id)>().text(), "root(tuple[2](str()bytes()))");
}

#[derive(Serialize, Deserialize)]
struct Login {
    password: Password,
    attempts: u8,
}

fn login(password: &str) -> Login {
    Login { password: Password(password.into()), attempts: 3 }
}

const VALID: &str = "correct horse battery staple";

#[test]
fn a_type_that_rejects_every_sample_is_stored_with_digests() {
    let untraced = trace::<Vec<Login>>().unwrap_err();
    assert!(format!("{untraced:?}").contains("validates its input"), "{untraced:?}");
    let codec = Postcard::new();
    let schema = Codec::<Vec<Login>>::schema(&codec).unwrap();
    assert_ne!(schema, Codec::<Login>::schema(&Postcard::new()).unwrap());

    let bytes = codec.to_bytes(&vec![login(VALID)]).unwrap();
    let read: Vec<Login> = codec.decode(&bytes).unwrap();
    assert_eq!((read[0].password.0.as_str(), read[0].attempts), (VALID, 3));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        Codec::<Vec<Login>>::decode(&codec, &damaged).map(drop).unwrap_err();
    }
    Codec::<Vec<Login>>::decode(&codec, &bytes[..7]).map(drop).unwrap_err();
}

#[test]
fn every_value_of_an_untraced_type_is_read_back() {
    let codec = Postcard::new();
    codec.to_bytes(&login(VALID)).unwrap();
    codec.to_bytes(&login("wrong")).unwrap_err();
}

#[test]
fn a_type_that_rejects_samples_after_its_last_part_is_traced() {
    assert_eq!(shape::<Password>().text(), "root(str())");
    assert_eq!(shape::<Option<Password>>().text(), "root(option(str()))");
}

#[derive(Serialize)]
struct Fragile(String, u8);

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, number) = Deserialize::deserialize(deserializer)?;
        let text: String = text;
        assert!(text.len() == 3);
        Ok(Self(text, number))
    }
}

#[test]
fn a_deserialize_that_panics_counts_as_a_rejection() {
    assert_eq!(
        shape::<(Option<Fragile>, bool)>().text(),
        "root(tuple[2](option(tuple[2](str()u8()))bool()))"
    );
}

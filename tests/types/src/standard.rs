//! Types of the standard library.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::{CString, OsString};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::num::{NonZeroU8, Wrapping};
use std::ops::{Bound, Range, RangeInclusive};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::row::Row;
use crate::subject::{argument, opaque, opaque_argument, value};

pub fn rows() -> Vec<Row> {
    [numbers(), ranges(), pointers(), containers(), system(), times()]
        .into_iter()
        .flatten()
        .collect()
}

fn numbers() -> Vec<Row> {
    let quiet = f64::from_bits(f64::NAN.to_bits() | 1);
    vec![
        value("f64", || [("0.0", 0.0), ("-0.0", -0.0), ("1.5", 1.5)])
            .way("`key = x + 0.0` makes -0.0 0.0"),
        value("f64 (NaN)", move || {
            [("NaN", f64::NAN), ("NaN with a payload", quiet), ("1.5", 1.5)]
        })
        .seen(|x| x.to_bits().to_string())
        .way("all NaN are one argument: `key = x.to_bits()`"),
        value("u128", || [("1", 1_u128), ("max", u128::MAX)]).row(),
        value("char", || [("a", 'a'), ("b", 'b')]).row(),
        value("NonZeroU8", || [("1", NonZeroU8::MIN), ("255", NonZeroU8::MAX)]).row(),
        value("Wrapping<u8>", || {
            [("255 + 1", Wrapping(255_u8) + Wrapping(1)), ("0", Wrapping(0)), ("1", Wrapping(1))]
        })
        .row(),
        value("Option<u8>", || [("None", None), ("Some(0)", Some(0_u8))]).row(),
        value("Result<u8, u8>", || [("Ok(1)", Ok::<u8, u8>(1)), ("Err(1)", Err(1))]).row(),
    ]
}

fn spent() -> RangeInclusive<u8> {
    let mut range = 0..=0;
    range.next();
    range
}

fn ranges() -> Vec<Row> {
    vec![
        value("Range<u32>", || [("0..2", Range { start: 0_u32, end: 2 }), ("0..3", 0..3)]).row(),
        value("RangeInclusive<u8>", || [("0..=0", 0..=0), ("0..=0, spent", spent()), ("0..=1", 0..=1)])
            .way("serde does not show that a range is spent: `key = (range.start(), range.end(), range.is_empty())`"),
        value("Bound<u8>", || {
            [("Included(1)", Bound::Included(1_u8)), ("Excluded(1)", Bound::Excluded(1)), ("none", Bound::Unbounded)]
        })
        .row(),
    ]
}

fn pointers() -> Vec<Row> {
    let poisoned = || {
        let mutex = Mutex::new(1_u8);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        std::thread::scope(|scope| {
            let locked = scope.spawn(|| {
                let _guard = mutex.lock();
                panic!("poisons the lock");
            });
            locked.join().expect_err("it panics");
        });
        std::panic::set_hook(hook);
        mutex
    };
    vec![
        value("Box<str>", || [("a", Box::<str>::from("a")), ("b", "b".into())]).row(),
        value("Arc<str>", || [("a", Arc::<str>::from("a")), ("b", "b".into())])
            .way("feature `rc` of serde; comes back as an `Arc` of its own"),
        argument("Rc<[u8]>", || [("[1]", Rc::<[u8]>::from([1])), ("[2]", [2].into())])
            .way("feature `rc` of serde"),
        value("Cow<'static, str>", || {
            [
                ("borrowed", Cow::Borrowed("a")),
                ("owned", Cow::Owned("a".to_owned())),
                ("b", Cow::Borrowed("b")),
            ]
        })
        .seen(|text| text.to_string())
        .way("comes back owned"),
        argument("RefCell<u8>", || [("1", RefCell::new(1_u8)), ("2", RefCell::new(2))])
            .way("no key while it is mutably borrowed"),
        opaque_argument(
            "Mutex<u8>",
            |m| format!("{m:?}"),
            move || [("1", Mutex::new(1_u8)), ("2", Mutex::new(2)), ("poisoned", poisoned())],
        )
        .way("the content at the time of the call; a poisoned lock has no key: the call computes"),
    ]
}

fn containers() -> Vec<Row> {
    let back = || {
        let mut deque = VecDeque::from([2, 3]);
        deque.push_front(1);
        deque
    };
    vec![
        value("Vec<u8>", || [("1 2", vec![1_u8, 2]), ("2 1", vec![2, 1])]).row(),
        value("[u8; 2]", || [("1 2", [1_u8, 2]), ("2 1", [2, 1])]).row(),
        value("VecDeque<i32>", move || {
            [("1 2 3", VecDeque::from([1, 2, 3])), ("pushed", back()), ("0", [0].into())]
        })
        .row(),
        value("HashMap<i32, i32>", || {
            [
                ("up", (0..40).map(|n| (n, n)).collect::<HashMap<_, _>>()),
                ("down", (0..40).rev().map(|n| (n, n)).collect()),
                ("empty", HashMap::new()),
            ]
        })
        .seen(|map| format!("{:?}", map.iter().collect::<BTreeMap<_, _>>()))
        .way("its order does not count"),
        value("HashSet<i32>", || {
            [
                ("up", (0..40).collect::<HashSet<_>>()),
                ("down", (0..40).rev().collect()),
                ("empty", HashSet::new()),
            ]
        })
        .seen(|set| format!("{:?}", set.iter().collect::<BTreeSet<_>>()))
        .way("its order does not count"),
        value("BTreeMap<i32, i32>", || {
            [
                ("1 2", BTreeMap::from([(1, 1), (2, 2)])),
                ("2 1", [(2, 2), (1, 1)].into()),
                ("empty", BTreeMap::new()),
            ]
        })
        .row(),
        opaque(
            "BinaryHeap<u16>",
            |heap: &BinaryHeap<u16>| format!("{:?}", heap.clone().into_sorted_vec()),
            || {
                [
                    ("1 2 3", BinaryHeap::from([1_u16, 2, 3])),
                    ("3 1 2", [3, 1, 2].into()),
                    ("1", [1].into()),
                ]
            },
        )
        .way("its order does not count"),
    ]
}

fn system() -> Vec<Row> {
    let address = |flow, scope| SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, flow, scope);
    vec![
        value("String", || [("a", "a".to_owned()), ("empty", String::new())]).row(),
        value("PathBuf", || {
            [("a/b", PathBuf::from("a/b")), ("a//b", "a//b".into()), ("a/./b", "a/./b".into()), ("c", "c".into())]
        })
        .way("`==` compares components: `key = path.components().collect::<PathBuf>()`"),
        value("PathBuf (not UTF-8)", || {
            let bytes = OsString::from_vec(vec![255]);
            [("a", PathBuf::from("a")), ("b", "b".into()), ("byte 255", bytes.into())]
        })
        .way("such a path computes at each call: `key = path.as_os_str()`"),
        value("OsString", || [("a", OsString::from("a")), ("byte 255", OsString::from_vec(vec![255]))]).row(),
        value("CString", || [("a", CString::new("a").expect("no zero")), ("empty", CString::default())]).row(),
        value("IpAddr", || {
            [("127.0.0.1", IpAddr::from([127, 0, 0, 1])), ("::ffff:127.0.0.1", "::ffff:127.0.0.1".parse().expect("valid"))]
        })
        .row(),
        value("SocketAddrV6", move || {
            [("scope 0", address(0, 0)), ("scope 5", address(0, 5)), ("flow 7", address(7, 0)),
             ("::", SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 80, 0, 0))]
        })
        .seen(|a| format!("{a:?} {}", a.flowinfo()))
        .way("serde writes address and port only: `key = (address, address.scope_id(), address.flowinfo())`"),
        value("SocketAddr", move || [("scope 0", SocketAddr::V6(address(0, 0))), ("scope 5", SocketAddr::V6(address(0, 5)))])
            .way("as `SocketAddrV6`"),
    ]
}

fn times() -> Vec<Row> {
    vec![
        value("Duration", || {
            [("60 s", Duration::from_secs(60)), ("60000 ms", Duration::from_millis(60_000)), ("1 ns", Duration::from_nanos(1))]
        })
        .row(),
        value("SystemTime", || {
            let epoch = SystemTime::UNIX_EPOCH;
            let second = Duration::from_secs(1);
            [("1970", epoch), ("1970 + 1 s", epoch + second), ("1969", epoch - second)]
        })
        .way("a time before 1970 computes at each call: `key = time.duration_since(UNIX_EPOCH).map_err(|e| e.duration())`"),
    ]
}

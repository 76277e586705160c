//! Results whose `Deserialize` validates its input, so that their shape cannot be traced: each value is read back when
//! it is written, and stored with a digest.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bitvec::vec::BitVec;
use chrono::{Month, Weekday};
use cidr::{IpCidr, Ipv4Cidr, Ipv6Cidr};
use memokit::{Error, memoize};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::support::{folder, restarts, shared};

static RUNS: AtomicU32 = AtomicU32::new(0);

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Opening {
    day: Option<Weekday>,
    hours: HashMap<String, (u8, u8)>,
}

const DAYS: [Weekday; 3] = [Weekday::Mon, Weekday::Sat, Weekday::Sun];

fn opening(n: u32) -> Opening {
    let day = DAYS.get(n as usize).copied();
    Opening { day, hours: (0..20).map(|h| (h.to_string(), (h, h + 1))).collect() }
}

fn bits(n: u32) -> BitVec {
    (0..n).map(|i| i % 3 == 0).collect()
}

fn bitmap(n: u32) -> RoaringBitmap {
    (n..n + 5000).step_by(7).collect()
}

/// For each type, the values for 0 to 2 are stored and read.
macro_rules! stored {
    ($($name:ident -> $type:ty { $value:expr })*) => {$(
        #[test]
        fn $name() {
            #[memoize(persist = folder(), durability = "os")]
            fn value(n: u32) -> $type {
                RUNS.fetch_add(1, Relaxed);
                let make: fn(u32) -> $type = $value;
                make(n)
            }
            fn check(computed: u32) {
                for n in 0..3 {
                    assert_eq!(value(n), value_uncached(n));
                    value_memo().health().unwrap();
                }
                // Half of the computations are those of `value_uncached`.
                assert_eq!(RUNS.load(Relaxed), computed + 3, "{:?}", value_memo().stats());
            }
            restarts!(|| check(3), || check(0));
        }
    )*};
}

stored! {
    weekdays_are_stored -> Weekday { |n| DAYS[n as usize] }
    months_are_stored -> Vec<Month> { |n| vec![Month::June; n as usize] }
    bitmaps_are_stored -> RoaringBitmap { bitmap }
    bit_vectors_are_stored -> BitVec { bits }
    system_strings_are_stored -> OsString { |n| format!("{n}").into() }
    structs_with_such_a_field_are_stored -> Opening { opening }
}

#[memoize(persist = shared().join("networks"))]
fn network(six: bool) -> IpCidr {
    if six {
        IpCidr::V6(Ipv6Cidr::new(Ipv6Addr::UNSPECIFIED, 0).unwrap())
    } else {
        IpCidr::V4(Ipv4Cidr::new(Ipv4Addr::UNSPECIFIED, 0).unwrap())
    }
}

#[test]
fn a_shape_that_depends_on_the_data_is_refused_as_such() {
    restarts!(|| {
        network(false);
        network_memo().health().unwrap();
        network(true);
        let refused = network_memo().health().unwrap_err();
        assert!(matches!(refused, Error::Unpersistable { .. }), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("IpCidr") && text.contains("depend on the data"), "{text}");
        assert!(!text.contains("skip_serializing"), "{text}");
    });
}

//! Lengths on both sides of each limit at which hashing or comparison changes its method. Also hashes that an attacker
//! who knows the program, but not the seed, could make equal.

use serde::Serialize;

use super::super::arguments::{Arguments, Octets, hash, matches};
use super::super::compare::{Compare, Verdict};
use super::super::hash::Seed;
use super::super::{hash_bytes, short};
use super::model::{Random, Value as V};
use super::{args, key, matches_in_one_pass, searched, stored as stored_bytes};

fn lengths() -> impl Iterator<Item = usize> {
    (0..=70).chain(94..=98).chain(126..=130).chain(190..=194).chain(250..=262)
}

fn text(n: usize) -> Vec<u8> {
    (0..n).map(|i| b'a' + u8::try_from(i % 23).unwrap()).collect()
}

/// Reports whether one pass finds that `stored` encodes these arguments. Asserts that a full comparison and the hashes
/// agree.
fn found<A: Arguments>(arguments: &A, stored: &[u8], seed: &Seed) -> bool {
    let mut sink = Compare::new(stored);
    let _ = arguments.encode(&mut sink);
    let same = sink.verdict() == Verdict::Equal;
    assert_eq!(matches(arguments, stored), same);
    let hashed = hash_bytes(stored, seed);
    let (searched, is_found) = searched(arguments, stored, seed);
    assert_eq!((searched == hashed, is_found), (same, same));
    assert_eq!(hashed == hash(arguments, seed).ok(), same);
    same
}

#[test]
fn bytes_of_every_length_are_compared_and_hashed_to_the_last_byte() {
    let seed = Seed::random();
    for n in lengths() {
        let bytes = text(n);
        let octets = super::Key::of(&(Octets(&bytes), (Octets(b"after"), ())));
        let texts = key(&(V::Str(String::from_utf8(bytes.clone()).unwrap()), 7u8));
        let check = |bytes: &[u8], same: bool| {
            let stored = octets.bytes().unwrap();
            assert_eq!(
                found(&(Octets(bytes), (Octets(b"after"), ())), stored, &seed),
                same,
                "{bytes:?}"
            );
            let text = V::Str(String::from_utf8(bytes.to_vec()).unwrap());
            assert_eq!(found(&args(&(text, 7u8)), &texts, &seed), same, "{bytes:?}");
        };
        check(&bytes, true);
        check(&text(n + 1), false);
        for at in 0..n {
            let mut other = bytes.clone();
            other[at] ^= 1;
            check(&other, false);
            check(&bytes[..at], false);
        }
    }
}

#[test]
fn names_of_every_length_are_compared_and_hashed_to_the_last_byte() {
    let seed = Seed::random();
    for n in lengths() {
        let name = |bytes: Vec<u8>| &*String::leak(String::from_utf8(bytes).unwrap());
        let with_name = |name| V::Struct(name, vec![(name, V::U8(1)), ("0", V::U8(2))]);
        let value = with_name(name(text(n)));
        let stored = stored_bytes(&value);
        assert!(found(&args(&value), &stored, &seed));
        let others = (0..n).map(|at| {
            let mut other = text(n);
            other[at] ^= 1;
            other
        });
        for other in others.chain([text(n + 1), text(n.saturating_sub(1))]) {
            let other = with_name(name(other));
            assert_eq!(found(&args(&other), &stored, &seed), other == value, "{other:?}");
        }
    }
}

#[test]
fn short_bytes_are_compared_in_every_position() {
    for n in 0..=short::FEW {
        let bytes = text(n);
        assert!(short::same_few(&bytes, &bytes.clone()));
        for at in 0..n {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert!(!short::same_few(&bytes, &other), "{n} bytes that differ at {at}");
        }
    }
}

/// Maps and sets of many sizes, with items that have equal starts, are prefixes of others, or occur twice.
#[test]
fn groups_of_every_size_are_compared_in_any_order() {
    let seed = Seed::random();
    for n in (0..24).chain([63, 64, 65, 300]) {
        let random = &mut Random::new(n);
        let item = |i: u64| match i % 5 {
            0 => V::U64(i),
            1 => V::Str(format!("{}{i}", "the same at first ".repeat(2))),
            2 => V::Bytes(vec![0; usize::try_from(i).unwrap() % 12]),
            3 => V::Seq(vec![V::Unit; usize::try_from(i).unwrap() % 9]),
            _ => V::Str("x".repeat(usize::try_from(i).unwrap() % 9)),
        };
        let items: Vec<V> = (0..n).map(item).collect();
        let entries: Vec<(V, V)> =
            (0..n).map(|i| (V::Tuple(vec![item(i), V::U64(i / 5 % 7)]), V::U64(i))).collect();
        for value in [V::Set(items), V::Map(entries)] {
            let stored = stored_bytes(&value);
            assert_eq!(stored, key(&value));
            for _ in 0..4 {
                let other = value.permuted(random);
                let same = other.normal() == value.normal();
                assert!(same && matches_in_one_pass(&other, &stored), "{other:?}");
                assert!(found(&args(&other), &stored, &seed));
            }
            let (V::Set(_) | V::Map(_)) = &value else { unreachable!() };
            let more = match value.clone() {
                V::Set(items) => V::Set([items, vec![V::Unit]].concat()),
                V::Map(entries) => V::Map([entries, vec![(V::Unit, V::Unit)]].concat()),
                _ => unreachable!(),
            };
            assert!(!found(&args(&more), &stored, &seed));
            assert!(!found(&args(&value), &stored_bytes(&more), &seed));
        }
    }
}

fn assert_hashes_differ<T: Serialize, U: Serialize>(a: &T, b: &U) {
    let seed = Seed::random();
    assert_ne!(hash(&args(a), &seed), hash(&args(b), &seed));
}

/// Tags without bytes do not cancel out, at any distance.
#[test]
fn bools_in_a_row_have_different_hashes() {
    let none = vec![false; 256];
    for far in 1..255 {
        let mut two = none.clone();
        (two[0], two[far]) = (true, true);
        assert_hashes_differ(&none, &two);
        let options = |bools: &[bool]| bools.iter().map(|b| b.then_some(())).collect::<Vec<_>>();
        assert_hashes_differ(&options(&none), &options(&two));
    }
    let deep = |n| (0..n).fold(V::Unit, |inner, _| V::Some(Box::new(inner)));
    for n in 1..128 {
        assert_hashes_differ(&deep(n), &deep(n + 64));
        assert_hashes_differ(&deep(n), &deep(n + 128));
    }
}

/// The last bytes cannot compensate for another length. Here they differ by the amount that did so when the length was
/// spread by a constant.
#[test]
fn lengths_are_spread_by_a_secret() {
    const SPREAD: u64 = 0xff51_afd7_ed55_8ccd;
    let difference = (9u64.wrapping_mul(SPREAD) ^ 10u64.wrapping_mul(SPREAD)).to_le_bytes();
    let mut first = [0u8; 10];
    // The last eight bytes of the ten equal those of the nine, xor the difference.
    for i in 0..8 {
        first[i + 2] = first[i + 1] ^ difference[i];
    }
    let nine = &first[..9].to_vec();
    let mut ten = first.to_vec();
    ten[9] = nine[8] ^ difference[7];
    assert_hashes_differ(&V::Bytes(nine.clone()), &V::Bytes(ten));
}

/// Exchanged values of two fields have different hashes. The difference in the values compensated for the names when
/// these hashed to constants.
#[test]
fn exchanged_fields_have_different_hashes() {
    let constant = |letter: u8| {
        let low = (u64::from(letter) << 16) | (u64::from(letter) << 8) | u64::from(letter);
        let mixed = low.wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 29) ^ 0xff51_afd7_ed55_8ccd
    };
    let fields = |a, b| V::Struct("s", vec![("a", V::U64(a)), ("b", V::U64(b))]);
    let difference = constant(b'a') ^ constant(b'b');
    assert_hashes_differ(&fields(1, 2), &fields(2 ^ difference, 1 ^ difference));
    assert_hashes_differ(&fields(1, 2), &fields(2, 1));
}

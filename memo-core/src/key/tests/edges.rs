//! Lengths on both sides of each limit up to which bytes are hashed or compared in one way, and hashes that someone who
//! knows the program but not the seed could make alike.

use serde::Serialize;

use super::super::arguments::{Arguments, Octets, hash, matches};
use super::super::compare::{Compare, Verdict};
use super::super::hash::Seed;
use super::super::{hash_bytes, short};
use super::model::{Random, Value as V};
use super::{args, as_met, key, matches_at_once};

fn lengths() -> impl Iterator<Item = usize> {
    (0..=70).chain(94..=98).chain(126..=130).chain(190..=194).chain(250..=262)
}

fn text(n: usize) -> Vec<u8> {
    (0..n).map(|i| b'a' + u8::try_from(i % 23).unwrap()).collect()
}

/// Does one pass find what `stored` gives to be these arguments, and to hash as they do?
fn found<A: Arguments>(arguments: &A, stored: &[u8], seed: &Seed) -> bool {
    let mut sink = Compare::new(stored);
    let _ = arguments.encode(&mut sink);
    let same = sink.verdict() == Verdict::Equal;
    assert_eq!(matches(arguments, stored), same);
    assert_eq!(hash_bytes(stored, seed) == hash(arguments, seed).ok(), same);
    same
}

#[test]
fn runs_of_every_length_are_compared_and_hashed_to_the_last_byte() {
    let seed = Seed::random();
    for n in lengths() {
        let run = text(n);
        let octets = super::Key::of(&(Octets(&run), (Octets(b"after"), ())));
        let texts = key(&(V::Str(String::from_utf8(run.clone()).unwrap()), 7u8));
        let check = |run: &[u8], same: bool| {
            let stored = octets.bytes().unwrap();
            assert_eq!(
                found(&(Octets(run), (Octets(b"after"), ())), stored, &seed),
                same,
                "{run:?}"
            );
            let text = V::Str(String::from_utf8(run.to_vec()).unwrap());
            assert_eq!(found(&args(&(text, 7u8)), &texts, &seed), same, "{run:?}");
        };
        check(&run, true);
        check(&text(n + 1), false);
        for at in 0..n {
            let mut other = run.clone();
            other[at] ^= 1;
            check(&other, false);
            check(&run[..at], false);
        }
    }
}

#[test]
fn names_of_every_length_are_compared_and_hashed_to_the_last_byte() {
    let seed = Seed::random();
    for n in lengths() {
        let name = |bytes: Vec<u8>| &*String::leak(String::from_utf8(bytes).unwrap());
        let of = |name| V::Struct(name, vec![(name, V::U8(1)), ("0", V::U8(2))]);
        let value = of(name(text(n)));
        let stored = as_met(&value);
        assert!(found(&args(&value), &stored, &seed));
        let others = (0..n).map(|at| {
            let mut other = text(n);
            other[at] ^= 1;
            other
        });
        for other in others.chain([text(n + 1), text(n.saturating_sub(1))]) {
            let other = of(name(other));
            assert_eq!(found(&args(&other), &stored, &seed), other == value, "{other:?}");
        }
    }
}

#[test]
fn short_runs_are_the_same_in_all_bytes() {
    for n in 0..=short::FEW {
        let run = text(n);
        assert!(short::same_few(&run, &run.clone()));
        for at in 0..n {
            let mut other = run.clone();
            other[at] ^= 0x80;
            assert!(!short::same_few(&run, &other), "{n} bytes, but not at {at}");
        }
    }
}

/// Maps and sets of each size, with what begins alike, ends early, or is there twice.
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
        let entries: Vec<(V, V)> = (0..n).map(|i| (item(i), V::U64(i))).collect();
        for value in [V::Set(items), V::Map(entries)] {
            let stored = as_met(&value);
            assert_eq!(stored, key(&value));
            for _ in 0..4 {
                let other = value.permuted(random);
                let same = other.normal() == value.normal();
                assert!(same && matches_at_once(&other, &stored), "{other:?}");
                assert!(found(&args(&other), &stored, &seed));
            }
            let (V::Set(_) | V::Map(_)) = &value else { unreachable!() };
            let more = match value.clone() {
                V::Set(items) => V::Set([items, vec![V::Unit]].concat()),
                V::Map(entries) => V::Map([entries, vec![(V::Unit, V::Unit)]].concat()),
                _ => unreachable!(),
            };
            assert!(!found(&args(&more), &stored, &seed));
            assert!(!found(&args(&value), &as_met(&more), &seed));
        }
    }
}

fn assert_hashed_apart<T: Serialize, U: Serialize>(a: &T, b: &U) {
    let seed = Seed::random();
    assert_ne!(hash(&args(a), &seed), hash(&args(b), &seed));
}

/// Marks without bytes do not make up for one another, however far apart they stand.
#[test]
fn bools_in_a_row_are_hashed_apart() {
    let none = vec![false; 256];
    for far in 1..255 {
        let mut two = none.clone();
        (two[0], two[far]) = (true, true);
        assert_hashed_apart(&none, &two);
        let options = |bools: &[bool]| bools.iter().map(|b| b.then_some(())).collect::<Vec<_>>();
        assert_hashed_apart(&options(&none), &options(&two));
    }
    let deep = |n| (0..n).fold(V::Unit, |inner, _| V::Some(Box::new(inner)));
    for n in 1..128 {
        assert_hashed_apart(&deep(n), &deep(n + 64));
        assert_hashed_apart(&deep(n), &deep(n + 128));
    }
}

/// What another length changes cannot be made up for by the last bytes: here they differ by what the length was
/// spread by when that was a constant.
#[test]
fn lengths_are_spread_by_a_secret() {
    const SPREAD: u64 = 0xff51_afd7_ed55_8ccd;
    let difference = (9u64.wrapping_mul(SPREAD) ^ 10u64.wrapping_mul(SPREAD)).to_le_bytes();
    let mut first = [0u8; 10];
    // The last eight bytes of the ten are those of the nine, with the difference.
    for i in 0..8 {
        first[i + 2] = first[i + 1] ^ difference[i];
    }
    let nine = &first[..9].to_vec();
    let mut ten = first.to_vec();
    ten[9] = nine[8] ^ difference[7];
    assert_hashed_apart(&V::Bytes(nine.clone()), &V::Bytes(ten));
}

/// Two fields whose values are exchanged, with what makes up for the names as it was when they came to constants.
#[test]
fn exchanged_fields_are_hashed_apart() {
    let constant = |letter: u8| {
        let low = (u64::from(letter) << 16) | (u64::from(letter) << 8) | u64::from(letter);
        let mixed = low.wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 29) ^ 0xff51_afd7_ed55_8ccd
    };
    let of = |a, b| V::Struct("s", vec![("a", V::U64(a)), ("b", V::U64(b))]);
    let difference = constant(b'a') ^ constant(b'b');
    assert_hashed_apart(&of(1, 2), &of(2 ^ difference, 1 ^ difference));
    assert_hashed_apart(&of(1, 2), &of(2, 1));
}

//! Sequences, and sets of bits and variants.

use std::fmt::Debug;

use enum_map::{Enum, EnumMap};
use enumset::{EnumSet, EnumSetType};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::row::Row;
use crate::subject::{Subject, value};

pub fn rows() -> Vec<Row> {
    [lists(), persistent(), of_a_length(), bits(), variants()].into_iter().flatten().collect()
}

/// A list, one that is equal but was longer before, and a longer one.
fn grown<T>(name: &'static str, pop: fn(&mut T)) -> Subject<T>
where
    T: FromIterator<u16> + Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    value(name, move || {
        let mut popped = T::from_iter([1, 2, 3]);
        pop(&mut popped);
        [("1 2", T::from_iter([1, 2])), ("3 popped", popped), ("1 2 3", T::from_iter([1, 2, 3]))]
    })
}

/// Observes a list with a method `pop`.
macro_rules! list {
    ($name:literal, $type:ty) => {
        grown::<$type>($name, |list| {
            list.pop();
        })
    };
}

const PLACE: &str = "in place or on the heap";

fn lists() -> Vec<Row> {
    vec![
        list!("smallvec::SmallVec<[u16; 2]>", smallvec::SmallVec<[u16; 2]>).way(PLACE),
        list!("arrayvec::ArrayVec<u16, 4>", arrayvec::ArrayVec<u16, 4>).row(),
        list!("tinyvec::TinyVec<[u16; 2]>", tinyvec::TinyVec<[u16; 2]>)
            .seen(|list| format!("{:?}", list.as_slice()))
            .way(PLACE),
        list!("tinyvec::ArrayVec<[u16; 4]>", tinyvec::ArrayVec<[u16; 4]>).row(),
        list!("thin_vec::ThinVec<u16>", thin_vec::ThinVec<u16>).row(),
        list!("ecow::EcoVec<u16>", ecow::EcoVec<u16>).row(),
        value("serde_bytes::ByteBuf", || {
            use serde_bytes::ByteBuf;
            [("1 2", ByteBuf::from(vec![1, 2])), ("empty", ByteBuf::new())]
        })
        .way("one string of bytes, in the key and on disk"),
        value("triomphe::Arc<u8>", || {
            [("1", triomphe::Arc::new(1_u8)), ("2", triomphe::Arc::new(2))]
        })
        .row(),
    ]
}

fn persistent() -> Vec<Row> {
    vec![
        grown::<im::Vector<u16>>("im::Vector<u16>", |list| {
            list.pop_back();
        })
        .row(),
        grown::<rpds::Vector<u16>>("rpds::Vector<u16>", |list| {
            list.drop_last_mut();
        })
        .seen(|list| format!("{:?}", list.iter().collect::<Vec<_>>()))
        .row(),
        value("rpds::List<u16>", || {
            let pushed = rpds::List::new().push_front(2).push_front(1);
            [
                ("1 2", rpds::List::from_iter([1_u16, 2])),
                ("2 and 1 pushed", pushed),
                ("1", [1].into_iter().collect()),
            ]
        })
        .seen(|list| format!("{:?}", list.iter().collect::<Vec<_>>()))
        .row(),
        value("rpds::Queue<u16>", || {
            let moved =
                rpds::Queue::<u16>::from_iter([0, 1]).dequeue().expect("an item").enqueue(2);
            [
                ("1 2", rpds::Queue::from_iter([1, 2])),
                ("0 taken, 2 put", moved),
                ("1", [1].into_iter().collect()),
            ]
        })
        .seen(|queue| format!("{:?}", queue.iter().collect::<Vec<_>>()))
        .row(),
    ]
}

fn of_a_length() -> Vec<Row> {
    use generic_array::typenum::U2;
    vec![
        value("generic_array::GenericArray<u8, U2>", || {
            let of = |a, b| -> generic_array::GenericArray<u8, U2> { [a, b].into() };
            [("1 2", of(1, 2)), ("2 1", of(2, 1))]
        })
        .row(),
        value("vec1::Vec1<u8>", || {
            [
                ("1", vec1::Vec1::new(1_u8)),
                ("1 2", vec1::Vec1::try_from(vec![1, 2]).expect("not empty")),
            ]
        })
        .row(),
        value("nonempty::NonEmpty<u8>", || {
            [("1", nonempty::NonEmpty::new(1_u8)), ("1 2", nonempty::NonEmpty::from((1, vec![2])))]
        })
        .row(),
    ]
}

fn bits() -> Vec<Row> {
    vec![bit_set(), bit_vec(), bit_slice(), fixed_bits(), bitmap()]
}

fn bit_set() -> Row {
    value("bit_set::BitSet", || {
        let mut removed: bit_set::BitSet = FromIterator::from_iter([1, 100]);
        removed.remove(100);
        [
            ("1", bit_set::BitSet::from_iter([1])),
            ("100 removed", removed),
            ("2", [2].into_iter().collect()),
        ]
    })
    .way("empty words at its end count: `key = set.iter().collect::<Vec<_>>()`")
}

fn bit_vec() -> Row {
    value("bit_vec::BitVec", || {
        let mut cut: bit_vec::BitVec = FromIterator::from_iter([true, false, true]);
        cut.truncate(2);
        [
            ("10", bit_vec::BitVec::from_iter([true, false])),
            ("101 cut", cut),
            ("11", [true, true].into_iter().collect()),
        ]
    })
    .row()
}

fn bit_slice() -> Row {
    use bitvec::prelude::{BitVec, Lsb0, bits};
    value("bitvec::BitVec<u8, Lsb0>", || {
        let of = BitVec::<u8, Lsb0>::from_bitslice;
        [
            ("10", of(bits![u8, Lsb0; 1, 0])),
            ("110 from 1", of(&bits![u8, Lsb0; 1, 1, 0][1..])),
            ("11", of(bits![u8, Lsb0; 1, 1])),
        ]
    })
    .seen(|bits| bits.to_string())
    .way("the place of the first bit in its byte counts: `force_align` makes it 0")
}

fn fixed_bits() -> Row {
    let of = |length, ones: &[usize]| {
        let mut bits = fixedbitset::FixedBitSet::with_capacity(length);
        bits.extend(ones.iter().copied());
        bits
    };
    value("fixedbitset::FixedBitSet", move || {
        let mut removed = of(8, &[1, 2]);
        removed.remove(2);
        [
            ("1 of 8", of(8, &[1])),
            ("2 removed", removed),
            ("1 of 16", of(16, &[1])),
            ("2 of 8", of(8, &[2])),
        ]
    })
    .seen(|bits| format!("{bits} of {}", bits.len()))
    .row()
}

fn bitmap() -> Row {
    value("roaring::RoaringBitmap", || {
        let mut optimized = roaring::RoaringBitmap::from_iter(0..1000);
        optimized.optimize();
        [
            ("0..1000", roaring::RoaringBitmap::from_iter(0..1000)),
            ("0..1000 optimized", optimized),
            ("0..2000", (0..2000).collect()),
        ]
    })
    .way("the form of its containers counts: call `optimize` first")
}

#[derive(EnumSetType, Debug)]
enum Right {
    Read,
    Write,
    Run,
}

#[derive(EnumSetType, Serialize, Deserialize, Debug)]
#[enumset(serialize_repr = "list")]
enum Listed {
    Read,
    Write,
}

#[derive(Enum, Serialize, Deserialize, PartialEq, Debug)]
enum Side {
    Left,
    Right,
}

bitflags::bitflags! {
    #[derive(Serialize, Deserialize, PartialEq, Debug, Clone, Copy)]
    #[serde(transparent)]
    struct Flags: u8 {
        const READ = 1;
        const WRITE = 2;
    }
}

fn variants() -> Vec<Row> {
    vec![
        value("enumset::EnumSet", || {
            [
                ("read write", Right::Read | Right::Write),
                ("write read", Right::Write | Right::Read),
                ("run", EnumSet::only(Right::Run)),
            ]
        })
        .way("the number of a variant is its bit: a new variant in the middle changes what is stored"),
        value("enumset::EnumSet as a list", || {
            [
                ("read write", Listed::Read | Listed::Write),
                ("write read", Listed::Write | Listed::Read),
                ("read", EnumSet::only(Listed::Read)),
            ]
        })
        .row(),
        value("bitflags::bitflags", || {
            [
                ("read write", Flags::READ | Flags::WRITE),
                ("write read", Flags::WRITE | Flags::READ),
                ("read", Flags::READ),
                ("read and an unknown bit", Flags::from_bits_retain(0x81)),
            ]
        })
        .row(),
        value("enum_map::EnumMap<_, u8>", || {
            let of = |left, right| EnumMap::from_array([left, right]);
            let map: [(&str, EnumMap<Side, u8>); 2] = [("1 2", of(1, 2)), ("2 1", of(2, 1))];
            map
        })
        .row(),
    ]
}

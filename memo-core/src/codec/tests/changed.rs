//! Pairs of types, where an edit could turn the first into the second. Their shapes must differ although their names
//! are equal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::shape;
use crate::codec::{Codec, Postcard};

/// Tests that two versions of a type named `T`, in two modules, have different shapes.
macro_rules! pairs {
    ($($name:ident: { $($old:tt)* } { $($new:tt)* })*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            mod old {
                #[allow(unused_imports)]
                use super::*;
                #[derive(Deserialize)]
                #[allow(dead_code)]
                $($old)*
            }

            mod new {
                #[allow(unused_imports)]
                use super::*;
                #[derive(Deserialize)]
                #[allow(dead_code)]
                $($new)*
            }

            #[test]
            fn changes_the_shape() {
                assert_ne!(shape::<old::T>().text(), shape::<new::T>().text());
            }
        }
    )*};
}

/// A type that changes without a change of its name.
mod part_old {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    pub(super) struct Part {
        x: u32,
        y: u32,
    }
}

mod part_new {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    pub(super) struct Part {
        y: u32,
        x: u32,
    }
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Pair<A, B> {
    a: A,
    b: B,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Empty {}

pairs! {
    fields_swapped: { pub(super) struct T { a: u32, b: u32 } } { pub(super) struct T { b: u32, a: u32 } }
    field_added: { pub(super) struct T { a: u32 } } { pub(super) struct T { a: u32, b: u32 } }
    field_of_unit_added: { pub(super) struct T { a: u32 } } { pub(super) struct T { a: u32, b: () } }
    field_removed: { pub(super) struct T { a: u8, b: u8 } } { pub(super) struct T { b: u8 } }
    field_renamed: { pub(super) struct T { a: u32 } } { pub(super) struct T { b: u32 } }
    field_renamed_by_serde: { pub(super) struct T { a: u32 } } { pub(super) struct T { #[serde(rename = "b")] a: u32 } }
    field_skipped: { pub(super) struct T { a: u32, b: u32 } } { pub(super) struct T { a: u32, #[serde(skip)] b: u32 } }
    name_cut_elsewhere: { pub(super) struct T { ab: u32, c: u32 } } { pub(super) struct T { a: u32, bc: u32 } }
    types_swapped: { pub(super) struct T { a: u32, b: u64 } } { pub(super) struct T { a: u64, b: u32 } }
    widened: { pub(super) struct T { a: u32 } } { pub(super) struct T { a: u64 } }
    widest: { pub(super) struct T { a: u64 } } { pub(super) struct T { a: u128 } }
    narrowed: { pub(super) struct T(i16); } { pub(super) struct T(i8); }
    sign_changed: { pub(super) struct T { a: u64 } } { pub(super) struct T { a: i64 } }
    byte_sign_changed: { pub(super) struct T { a: u8 } } { pub(super) struct T { a: i8 } }
    bool_for_byte: { pub(super) struct T { a: bool } } { pub(super) struct T { a: u8 } }
    float_width: { pub(super) struct T { a: f64 } } { pub(super) struct T { a: f32 } }
    float_for_integer: { pub(super) struct T { a: f32 } } { pub(super) struct T { a: u32 } }
    char_for_string: { pub(super) struct T { a: char } } { pub(super) struct T { a: String } }
    bytes_for_string: { pub(super) struct T { a: Vec<u8> } } { pub(super) struct T { a: String } }
    option_added: { pub(super) struct T { a: u8 } } { pub(super) struct T { a: Option<u8> } }
    option_for_vec: { pub(super) struct T { a: Vec<u8> } } { pub(super) struct T { a: Option<u8> } }
    option_moved: { pub(super) struct T { a: Option<Vec<u8>> } } { pub(super) struct T { a: Vec<Option<u8>> } }
    newtype_for_struct: { pub(super) struct T(u32); } { pub(super) struct T { a: u32 } }
    newtype_transparent: { pub(super) struct T(u32); } { #[serde(transparent)] pub(super) struct T(u32); }
    newtype_content: { pub(super) struct T(u32); } { pub(super) struct T(i32); }
    unit_for_empty: { pub(super) struct T; } { pub(super) struct T {} }
    tuple_arity: { pub(super) struct T { a: (u8, u8) } } { pub(super) struct T { a: (u8, u8, u8) } }
    tuple_struct_arity: { pub(super) struct T(u8, u8); } { pub(super) struct T(u8, u8, u8); }
    array_length: { pub(super) struct T { a: [u8; 3] } } { pub(super) struct T { a: [u8; 4] } }
    array_for_vec: { pub(super) struct T { a: [u8; 3] } } { pub(super) struct T { a: Vec<u8> } }
    nesting_moved: { pub(super) struct T { a: ((u8, u8), u8) } } { pub(super) struct T { a: (u8, (u8, u8)) } }
    part_changed: { pub(super) struct T { a: part_old::Part } } { pub(super) struct T { a: part_new::Part } }
    part_changed_in_vec: { pub(super) struct T(Vec<part_old::Part>); } { pub(super) struct T(Vec<part_new::Part>); }
    part_changed_in_option: { pub(super) struct T(Option<Box<part_old::Part>>); } { pub(super) struct T(Option<Box<part_new::Part>>); }
    part_changed_in_map: { pub(super) struct T(BTreeMap<String, part_old::Part>); } { pub(super) struct T(BTreeMap<String, part_new::Part>); }
    part_changed_in_variant: { pub(super) enum T { A, B(u8, part_old::Part) } } { pub(super) enum T { A, B(u8, part_new::Part) } }
    parameter_changed: { pub(super) struct T { a: Pair<u8, u16> } } { pub(super) struct T { a: Pair<u16, u8> } }
    map_key_changed: { pub(super) struct T(HashMap<u32, u8>); } { pub(super) struct T(HashMap<i32, u8>); }
    map_value_changed: { pub(super) struct T(HashMap<u8, u32>); } { pub(super) struct T(HashMap<u8, i32>); }
    map_for_set: { pub(super) struct T(BTreeMap<u8, ()>); } { pub(super) struct T(BTreeSet<u8>); }
    variants_reordered: { pub(super) enum T { A, B, C } } { pub(super) enum T { A, C, B } }
    variant_inserted: { pub(super) enum T { A, C } } { pub(super) enum T { A, B, C } }
    variant_appended: { pub(super) enum T { A, B } } { pub(super) enum T { A, B, C } }
    variant_removed: { pub(super) enum T { A, B, C } } { pub(super) enum T { B, C } }
    variant_renamed: { pub(super) enum T { A, B } } { pub(super) enum T { A, D } }
    variant_content_added: { pub(super) enum T { A, B } } { pub(super) enum T { A, B(u8) } }
    variant_content_changed: { pub(super) enum T { A(u32), B } } { pub(super) enum T { A(i32), B } }
    variant_fields_swapped: { pub(super) enum T { A { x: u8, y: u8 } } } { pub(super) enum T { A { y: u8, x: u8 } } }
    variant_kind_changed: { pub(super) enum T { A(u8, u8) } } { pub(super) enum T { A((u8, u8)) } }
    results_exchanged: { pub(super) struct T(Result<u32, i32>); } { pub(super) struct T(Result<i32, u32>); }
    result_for_own_enum: { pub(super) struct T(Result<u32, u32>); } { pub(super) struct T(OwnResult); }
    recursion_changed: {
        pub(super) struct T { v: u8, next: Option<Box<T>> }
    } {
        pub(super) struct T { next: Option<Box<T>>, v: u8 }
    }
    last_of_many: {
        pub(super) enum T { A(Vec<T>), B(Box<T>, Option<Empty>), C { d: Pair<u8, Box<T>>, e: u32 } }
    } {
        pub(super) enum T { A(Vec<T>), B(Box<T>, Option<Empty>), C { d: Pair<u8, Box<T>>, e: i32 } }
    }
}

/// A `Result` with its variants exchanged.
#[derive(Deserialize)]
#[serde(rename = "Result")]
#[allow(dead_code)]
enum OwnResult {
    Err(u32),
    Ok(u32),
}

mod same_old {
    use super::*;
    #[derive(Serialize, Deserialize)]
    pub(super) struct T {
        a: Vec<(u8, String)>,
        b: Option<Box<T>>,
    }
}

mod same_new {
    use super::*;
    #[derive(Serialize, Deserialize)]
    pub(super) struct T {
        a: Vec<(u8, String)>,
        b: Option<Box<T>>,
    }
}

#[test]
fn equal_definitions_have_equal_shapes_and_different_fingerprints() {
    assert_eq!(shape::<same_old::T>().text(), shape::<same_new::T>().text());
    let old = Codec::<same_old::T>::schema(&Postcard::new()).unwrap();
    let repeated = Codec::<same_old::T>::schema(&Postcard::new()).unwrap();
    let new = Codec::<same_new::T>::schema(&Postcard::new()).unwrap();
    assert_eq!(old, repeated);
    assert_ne!(old, new);
}

#[test]
fn shapes_and_fingerprints_do_not_change_between_releases() {
    use crate::codec::shape::fingerprint;
    assert_eq!(
        shape::<(u32, Option<Pair<u8, String>>)>().text(),
        "root(tuple[2](u32()option(struct[4:Pair][1:a1:b](u8()str()))))"
    );
    // The 128-bit FNV-1a of "a" 0xFF, computed independently.
    assert_eq!(fingerprint(&["a"]), FNV_OF_A);
    assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
}

const FNV_OF_A: u128 = 0x0880_9545_50ab_1be9_5aa0_7330_55b7_51b9;

#!/usr/bin/env bash
# A ron::Value does not survive its own text: a number comes back as another variant, which is not equal.
# Expected: a value is equal to what is read from its text, and 1 read from RON is equal to 1 read from JSON.
# Seen: RON text gives the smallest type that holds the number (`U8(1)`), every other format the type that its reader
# shows (`U64(1)`), and `==` tells them apart.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export CARGO_TARGET_DIR=$scratch/target
cd "$scratch"
mkdir src
cat >Cargo.toml <<'END'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
ron = "=0.12.3"
serde_json = "=1.0.154"
END
cat >src/main.rs <<'END'
use ron::Value;

fn main() {
    let json: Value = serde_json::from_str("1").unwrap();
    let ron: Value = ron::from_str("1").unwrap();
    let text = ron::to_string(&json).unwrap();
    let again: Value = ron::from_str(&text).unwrap();
    println!("from the JSON text 1: {json:?}");
    println!("from the RON text 1:  {ron:?}");
    println!("the first one, written as the RON text {text} and read: {again:?}");
    println!("equal: {} and {}", json == ron, json == again);
    assert_eq!(text, "1");
    assert_ne!(json, ron, "they are equal now");
    assert_ne!(json, again, "it survives now");
}
END
echo "ron 0.12.3, serde_json 1.0.154"
cargo run --quiet

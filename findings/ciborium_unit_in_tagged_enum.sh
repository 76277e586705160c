#!/usr/bin/env bash
# ciborium does not read back a unit that it wrote inside of an internally tagged enum.
# Expected: a null in CBOR is a unit there, as it is outside of such an enum, and as it is in JSON and MessagePack.
# Seen: "invalid type: Option value, expected unit". serde reads such an enum into a buffer, and there ciborium shows
# each null as `None`, while serde_json and rmp-serde show it as a unit.
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
ciborium = "=0.2.2"
rmp-serde = "=1.3.1"
serde = { version = "=1.0.229", features = ["derive"] }
serde_json = "=1.0.154"
END
cat >src/main.rs <<'END'
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "kind")]
enum Tagged {
    Done { result: () },
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Plain {
    result: (),
}

fn cbor<T: Serialize + serde::de::DeserializeOwned>(value: &T) -> Result<T, String> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    ciborium::from_reader(&bytes[..]).map_err(|e| format!("{e:?}"))
}

fn main() {
    let tagged = Tagged::Done { result: () };
    let json: Tagged = serde_json::from_str(&serde_json::to_string(&tagged).unwrap()).unwrap();
    let pack: Tagged = rmp_serde::from_slice(&rmp_serde::to_vec_named(&tagged).unwrap()).unwrap();
    println!("JSON, tagged:        {json:?}");
    println!("MessagePack, tagged: {pack:?}");
    println!("CBOR, plain struct:  {:?}", cbor(&Plain { result: () }));
    println!("CBOR, tagged:        {:?}", cbor(&tagged));
    assert_eq!((&json, &pack), (&tagged, &tagged));
    assert_eq!(cbor(&Plain { result: () }), Ok(Plain { result: () }));
    let error = cbor(&tagged).expect_err("ciborium reads it back now");
    assert!(error.contains("Option value, expected unit"), "another error: {error}");
}
END
echo "ciborium 0.2.2, serde 1.0.229, serde_json 1.0.154, rmp-serde 1.3.1"
cargo run --quiet

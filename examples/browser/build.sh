#!/usr/bin/env bash
# Builds the page into target/browser, or into the folder that the argument names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

folder=${1:-target/browser}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/web")
build=(cargo build -q --locked --manifest-path tests/web/Cargo.toml --target-dir "$target")

"${build[@]}" -p bind
"${build[@]}" --release -p browser-example --target wasm32-unknown-unknown
"$target/debug/bind" "$target/wasm32-unknown-unknown/release/browser_example.wasm" "$folder"
cp examples/browser/index.html "$folder"

#!/usr/bin/env bash
# Compares docs/types.md with what tests/types observes now, or writes it: scripts/types.sh [--write]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RUSTC_VERSION=$(cd tests/types && rustc --version | cut -d ' ' -f 1-2)
export RUSTC_VERSION
page=$(mktemp)
trap 'rm -f "$page"' EXIT
cargo run --quiet --locked --manifest-path tests/types/Cargo.toml >"$page"

case ${1:-} in
    --write) cp "$page" docs/types.md ;;
    "") diff -u docs/types.md "$page" ;;
    *) echo "usage: scripts/types.sh [--write]" >&2 && exit 2 ;;
esac

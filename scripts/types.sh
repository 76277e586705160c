#!/usr/bin/env bash
# Compares docs/types.md with what tests/types observes now, or writes it: scripts/types.sh [--write | --quick]
# --quick looks at the types of the standard library only, for which no other crate has to be built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RUSTC_VERSION=$(cd tests/types && rustc --version | cut -d ' ' -f 1-2)
export RUSTC_VERSION
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
page=$scratch/page

observe() {
    cargo run --quiet --locked --manifest-path tests/types/Cargo.toml "$@"
}

# Features of serde_json hold for a whole program, so their table is found by a second build.
write_page() {
    observe >"$page"
    observe --no-default-features --features json_features -- tables | sed -n '/^## serde_json/,$p' >"$scratch/json"
    (echo && cat "$scratch/json") >>"$page"
}

# Prints the table of the standard library in a page.
standard() {
    awk '/^## / { shown = $0 == "## Standard library" } shown' "$1"
}

case ${1:-} in
--write)
    write_page
    cp "$page" docs/types.md
    ;;
--quick)
    observe --no-default-features -- tables >"$page"
    grep -q '^| `' <(standard "$page")
    diff -u <(standard docs/types.md) <(standard "$page"; echo)
    ;;
"")
    write_page
    diff -u docs/types.md "$page"
    ;;
*)
    echo "usage: scripts/types.sh [--write | --quick]" >&2
    exit 2
    ;;
esac

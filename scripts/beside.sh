#!/usr/bin/env bash
# Compares docs/attributes.md with what the programs of tests/beside find; `--write` writes the page. It builds some
# hundred crates and is no part of scripts/test.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=docs/attributes.md
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/beside")
found=$(mktemp)
trap 'rm -f "$found"' EXIT

write_page() {
    cargo run -q --locked --manifest-path tests/beside/Cargo.toml --target-dir "$target" -- "$1" >"$found"
}

case ${1:-} in
--write)
    write_page "$(date +%F)"
    cp "$found" "$page"
    ;;
"")
    # The date in the page is that of its last change.
    write_page "$(sed -n 's/^Found on \([0-9-]*\) .*/\1/p' "$page")"
    diff -u "$page" "$found" || {
        echo "scripts/beside.sh: $page is not what the programs find; look at each change, then use --write" >&2
        exit 1
    }
    ;;
*)
    echo "usage: scripts/beside.sh [--write]" >&2
    exit 2
    ;;
esac

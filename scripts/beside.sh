#!/usr/bin/env bash
# Compares docs/attributes.md with what the programs of tests/beside find; `--write` writes the page. It builds some
# hundred crates. `--quick` looks at the attributes of the language only, which need few of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=docs/attributes.md
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/beside")
found=$(mktemp)
trap 'rm -f "$found"' EXIT

write_page() {
    cargo run -q --locked --manifest-path tests/beside/Cargo.toml --target-dir "$target" -- "$@" >"$found"
}

# The date in the page is that of its last change.
date_of_page() {
    sed -n 's/^Found on \([0-9-]*\) .*/\1/p' "$page"
}

# Prints the table of the language's attributes in a page.
language() {
    awk '/^## / { shown = $0 == "## Attributes of the language" } shown' "$1"
}

compare() {
    diff -u "$@" || {
        echo "scripts/beside.sh: $page is not what the programs find; look at each change, then use --write" >&2
        exit 1
    }
}

case ${1:-} in
--write)
    write_page "$(date +%F)"
    cp "$found" "$page"
    ;;
--quick)
    target+=-quick
    write_page "$(date_of_page)" language
    grep -q '^| `' <(language "$found")
    compare <(language "$page") <(language "$found")
    ;;
"")
    write_page "$(date_of_page)"
    compare "$page" "$found"
    ;;
*)
    echo "usage: scripts/beside.sh [--write | --quick]" >&2
    exit 2
    ;;
esac

#!/usr/bin/env bash
# Compares docs/api.txt with the public items of the crate memokit, all features on; `--write` writes it. The facade
# re-exports what memo-core has, so its items are listed under the names by which users reach them. What still has a
# path of memo_core in it cannot be named by users: such lines come last. Takes a nightly toolchain, for rustdoc's JSON,
# and cargo-public-api, which is installed below target/ if it is missing; without them it says "skipped".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

page=docs/api.txt
tool=0.52.0
# Another toolchain may write other JSON, or list other items.
nightly="rustc 1.97.0-nightly (e50aa6fba 2026-05-19)"
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR=$target/api PATH=$target/tools/bin:$PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

skip() {
    echo "skipped: the list of public items: $*"
    exit
}

has_tool() {
    [[ $(cargo public-api --version 2>/dev/null) == "cargo-public-api $tool" ]]
}

want_tools() {
    local found
    found=$(rustc +nightly --version 2>/dev/null) || skip "no nightly toolchain"
    [[ $found == "$nightly" ]] || skip "it is made by $nightly, and this is $found"
    has_tool && return
    echo "installing cargo-public-api $tool"
    timeout 900 cargo install -q --locked --debug --version "$tool" --root "$target/tools" cargo-public-api \
        >"$scratch/install" 2>&1 || skip "cargo-public-api cannot be installed: $(tail -n 1 "$scratch/install")"
}

# Lists a crate's items, without blanket impls and auto traits. tests/it/api.rs has the latter.
items() {
    RUSTUP_TOOLCHAIN=nightly timeout 600 cargo public-api -p "$1" --all-features -ss --color never \
        >"$scratch/$1" 2>"$scratch/errors" && return
    cat "$scratch/errors" >&2
    exit 1
}

# Prints each re-export of the facade as "path in memo_core, path in memokit".
reexports() {
    tr -s ' \n' ' ' <src/lib.rs | sed 's/#\[doc(hidden)\].*//' | grep -oE 'pub mod \w+ \{|pub use [^;]*;| \} ' | awk '
        /^pub mod/ { module = $3 "::"; next }
        /^ } / { module = ""; next }
        {
            gsub(/^pub use |;$/, "")
            names = $0
            prefix = ""
            if (match($0, /\{.*\}/)) {
                names = substr($0, RSTART + 1, RLENGTH - 2)
                prefix = substr($0, 1, RSTART - 1)
            }
            count = split(names, list, /, */)
            for (i = 1; i <= count; i++) {
                gsub(/ /, "", list[i])
                if (list[i] == "") continue
                path = prefix list[i]
                name = path
                sub(/.*::/, "", name)
                if (path ~ /^memo_core/) print path, "memokit::" module name
            }
        }'
}

# Lines that define an item of memokit, or implement something for one.
about='^((#\[[a-z_()]*\] )?pub [^(<]*\bmemokit::|impl.* for ([&a-z ]*)memokit::|impl(<[^ ]*>)? memokit::|impl.* memokit::[A-Za-z:<>]+ for )'

# Puts users' names in place of those of memo_core, the longest first, and keeps the lines about them.
listed() {
    # memo-core has some items in a module below the one that it offers them in.
    reexports | awk '{ print length($1), $1, $2 }' | sort -rn | cut -d ' ' -f 2- |
        sed -E 's|^(.*::)(\w+) (.*)$|s/\1([a-z_]+::)*\2\\b/\3/g|' >"$scratch/names"
    sed -E -f "$scratch/names" "$scratch/memo-core" | grep -E "$about" || true
    grep '^pub mod\|^pub macro' "$scratch/memokit"
    sed 's/memo_macros::/memokit::/' "$scratch/memo-macros"
}

want_tools
for crate in memokit memo-core memo-macros; do items "$crate"; done
listed | sed -E 's/\b(core|alloc|std)::([a-z_]+::)+//g' | LC_ALL=C sort -u >"$scratch/api"
case ${1:-} in
--write) cp "$scratch/api" "$page" ;;
"")
    diff -u "$page" "$scratch/api" || {
        echo "scripts/api.sh: the public items have changed; if that is meant, renew $page with scripts/api.sh --write" >&2
        exit 1
    }
    ;;
*)
    echo "usage: scripts/api.sh [--write]" >&2
    exit 2
    ;;
esac

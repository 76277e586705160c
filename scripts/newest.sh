#!/usr/bin/env bash
# Runs the tests of what users call in a copy of the tree, with the newest dependencies that Cargo.toml allows and that
# this Rust can build. A user without a lock file gets these. Does nothing if the lock file has them all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# What has not changed is built there already.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

# Copies the tree without the benchmarks and the programs, because what only these depend on does not matter here. Sets
# rust-version to the installed Rust, because cargo chooses the versions of dependencies by it.
copy_tree() {
    local rust
    rust=$(rustc --version | cut -d ' ' -f 2)
    mkdir "$scratch/tree"
    git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$scratch/tree"
    cd "$scratch/tree"
    sed -i.before -e 's/"memo-cli", //; s/, "examples\/shared".*\]/]/' \
        -e "s/^rust-version = .*/rust-version = \"$rust\"/" Cargo.toml
    cargo metadata -q --format-version 1 >/dev/null
}

# Prints each updated dependency on a line of its own, such as "serde v1.0.228 -> v1.0.229".
newer() {
    sed -nE 's/^ *Updating (.* -> v[^ ]*).*/\1/p' "$scratch/update"
}

copy_tree
if ! cargo update >"$scratch/update" 2>&1; then
    echo "skipped: tests with the newest dependencies: $(tail -n 1 "$scratch/update")"
elif [[ -z $(newer) ]]; then
    echo "the lock file has the newest dependencies: nothing to test"
else
    echo "these are newer than in the lock file:"
    newer
    cargo test -p memokit -p memo-redis --tests --no-fail-fast --target-dir "$target"
    # What is read and written is compared with the crate postcard there.
    cargo test -p memo-core --lib --target-dir "$target" -- codec::
fi

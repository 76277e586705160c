#!/usr/bin/env bash
# Runs the library's tests with the newest dependencies that Cargo.toml allows and this Rust builds, in a copy of the
# tree: those of a user who has no lock file. Does nothing where the lock file has them all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/newest")

# The tree without the benchmarks, whose rivals do not matter here; cargo goes by rust-version where it has a choice.
copy_tree() {
    local rust
    rust=$(rustc --version | cut -d ' ' -f 2)
    mkdir "$scratch/tree"
    git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$scratch/tree"
    cd "$scratch/tree"
    sed -i.before -e 's/, "memo-bench"\]/]/' -e "s/^rust-version = .*/rust-version = \"$rust\"/" Cargo.toml
    cargo metadata -q --format-version 1 >/dev/null
}

# As "serde v1.0.228 -> v1.0.229", a line each.
newer() {
    sed -nE 's/^ *Updating (.* -> v[^ ]*).*/\1/p' "$scratch/update"
}

copy_tree
if ! cargo update >"$scratch/update" 2>&1; then
    echo "skipped: tests with the newest dependencies: $(tail -n 1 "$scratch/update")"
elif [[ -z $(newer) ]]; then
    echo "the lock file has the newest dependencies: nothing to test"
else
    echo "newer than in the lock file:"
    newer
    cargo test --tests --no-fail-fast --target-dir "$target"
fi

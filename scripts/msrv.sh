#!/usr/bin/env bash
# Checks the library, with the examples as its user, by the oldest Rust that Cargo.toml promises and by the newest that
# Debian has. The compilers come from Debian's packages, into a temporary folder; cargo is the usual one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
repository=$PWD
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/msrv")

skip() {
    echo "skipped: a check by $1: $2"
}

# Why no package can be had at all.
obstacle() {
    if [[ $(id -u) != 0 ]]; then
        echo "only root can ask for Debian's packages"
    elif ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
        echo "it comes from Debian's packages, and this is another system"
    elif ! apt-get update -qq >"$scratch/apt" 2>&1; then
        echo "apt-get update failed: $(tail -n 1 "$scratch/apt")"
    fi
}

# The newest version of the package that begins so, or none.
offered() {
    apt-cache madison rustc-web | awk '{ print $3 }' | grep "^$1" | sort -V | tail -n 1 || true
}

# Unpacks a version of the compiler, its library and the LLVM that it needs.
unpack() {
    local version=$1 folder=$2 library llvm package
    library=libstd-rust-web-$(cut -d . -f 1,2 <<<"$version")
    llvm=$(apt-cache show "$library=$version" | grep -o 'libllvm[0-9]*' | head -n 1) || return
    mkdir -p "$folder/root"
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "rustc-web=$version" \
        "$library=$version" "libstd-rust-web-dev=$version" "$llvm") || return
    for package in "$folder"/*.deb; do dpkg -x "$package" "$folder/root" || return; done
    rm "$folder"/*.deb
}

# A crate that depends on the library and whose programs are the examples.
make_user() {
    mkdir -p "$scratch/user/src"
    cp -R examples "$scratch/user/src/bin"
    touch "$scratch/user/src/lib.rs"
    cp Cargo.lock "$scratch/user"
    cat >"$scratch/user/Cargo.toml" <<END
[package]
name = "user"
version = "0.0.0"
edition = "2024"

[workspace]

[features]
default = ["memokit/default", "memokit/cbor", "memokit/json"]

[dependencies]
memokit = { path = "$repository", default-features = false }
serde = { version = "1", features = ["derive", "rc"] }
END
}

# cargo itself refuses a dependency that asks for a newer Rust.
check() {
    local root=$1
    export RUSTC=$root/usr/bin/rustc LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu
    cd "$scratch/user"
    "$RUSTC" --version
    cargo check -q --target-dir "$target"
    cargo check -q --target-dir "$target" --lib --no-default-features
}

check_by() {
    local name=$1 begins=$2 version
    version=$(offered "$begins")
    if [[ -z $version ]]; then
        skip "$name" "no package rustc-web of it is offered"
    elif ! unpack "$version" "$scratch/$name" >"$scratch/apt" 2>&1; then
        skip "$name" "$version cannot be had: $(tail -n 1 "$scratch/apt")"
    else
        echo "checking by rustc-web $version"
        (check "$scratch/$name/root")
    fi
}

why=$(obstacle)
if [[ -n $why ]]; then
    skip "Rust $oldest and by the newest" "$why"
    exit
fi
make_user
check_by "Rust $oldest" "$oldest\."
check_by "the newest Rust" ""

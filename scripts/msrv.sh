#!/usr/bin/env bash
# Checks the library with the oldest Rust that Cargo.toml promises and with the newest Rust that Debian has, by a crate
# that uses the library as the examples do. The compilers come from Debian's packages and are unpacked into a temporary
# directory. cargo is the installed one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
repository=$PWD
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/msrv")

skip() {
    echo "skipped: the check with $1: $2"
}

# Prints why no package can be downloaded at all. Prints nothing if packages can be downloaded.
reason_to_skip() {
    if [[ $(id -u) != 0 ]]; then
        echo "only root can download Debian's packages"
    elif ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
        echo "the compilers are Debian packages, and this is not Debian"
    elif ! apt-get update -qq >"$scratch/apt" 2>&1; then
        echo "apt-get update failed: $(tail -n 1 "$scratch/apt")"
    fi
}

# Prints the newest version of the package that matches the pattern, or nothing.
newest_version() {
    apt-cache madison rustc-web | awk '{ print $3 }' | grep "^$1" | sort -V | tail -n 1 || true
}

# Unpacks one version of the compiler, its standard library and the LLVM library that it needs.
unpack() {
    local version=$1 directory=$2 library llvm package
    library=libstd-rust-web-$(cut -d . -f 1,2 <<<"$version")
    llvm=$(apt-cache show "$library=$version" | grep -o 'libllvm[0-9]*' | head -n 1) || return
    mkdir -p "$directory/root"
    (cd "$directory" && apt-get download -qq -o APT::Sandbox::User=root "rustc-web=$version" \
        "$library=$version" "libstd-rust-web-dev=$version" "$llvm") || return
    for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root" || return; done
    rm "$directory"/*.deb
}

# Writes a crate that depends on the library. Its programs are the examples.
write_user_crate() {
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
default = ["memokit/persist", "memokit/cbor", "memokit/json", "memokit/lz4", "memokit/report", "memokit/test-util"]

[dependencies]
memokit = { path = "$repository" }
serde = { version = "1", features = ["derive", "rc"] }
serde_json = "1"
tempfile = "3"
tokio = { version = "1", features = ["macros", "rt", "time"] }
END
}

# Checks the user crate. cargo itself rejects a dependency that needs a newer Rust.
check() {
    local root=$1
    export RUSTC=$root/usr/bin/rustc LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu
    cd "$scratch/user"
    "$RUSTC" --version
    cargo check -q --target-dir "$target"
    cargo check -q --target-dir "$target" --lib --no-default-features
}

check_with() {
    local name=$1 pattern=$2 version
    version=$(newest_version "$pattern")
    if [[ -z $version ]]; then
        skip "$name" "Debian has no such version of the package rustc-web"
    elif ! unpack "$version" "$scratch/$name" >"$scratch/apt" 2>&1; then
        skip "$name" "$version cannot be unpacked: $(tail -n 1 "$scratch/apt")"
    else
        echo "checking with rustc-web $version"
        (check "$scratch/$name/root")
    fi
}

reason=$(reason_to_skip)
if [[ -n $reason ]]; then
    skip "Rust $oldest and with the newest Rust" "$reason"
    exit
fi
write_user_crate
check_with "Rust $oldest" "$oldest\."
check_with "the newest Rust" ""

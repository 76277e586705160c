#!/usr/bin/env bash
# Runs memokit where there are no threads: in a headless Chromium, as a page with and without a storage, and under
# WASI. Says in a line what it skips because a tool cannot be had. The compiler's targets come from rustup, or else the
# standard library is built from Debian's source.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/web")
manifest=tests/web/Cargo.toml
page_target=wasm32-unknown-unknown
wasi_target=wasm32-wasip1
passed=0

skip() {
    echo "skipped: $*"
}

# Returns whether the compiler has the standard library of a target, and gets it from rustup if not.
has_target() {
    local library
    library=$(rustc --print sysroot)/lib/rustlib/$1/lib
    [[ -d $library ]] && return
    command -v rustup >/dev/null && timeout 120 rustup target add "$1" >"$scratch/rustup" 2>&1
    [[ -d $library ]]
}

# Unpacks Debian's compiler with the source of its standard library, and the linker. Nothing is installed, because these
# packages exclude others.
unpack_debian() {
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null && command -v dpkg >/dev/null || return
    local version library llvm package
    apt-get update -qq || return
    version=$(apt-cache madison rust-web-src | awk '{ print $3 }' | sort -V | tail -n 1)
    library=libstd-rust-web-$(cut -d . -f 1,2 <<<"$version")
    llvm=$(apt-cache show "$library=$version" | grep -o 'libllvm[0-9]*' | head -n 1) || return
    mkdir -p "$scratch/debian"
    (cd "$scratch/debian" && apt-get download -qq -o APT::Sandbox::User=root "rustc-web=$version" "$library=$version" \
        "libstd-rust-web-dev=$version" "rust-web-src=$version" "$llvm" lld-19 libllvm19) || return
    for package in "$scratch/debian"/*.deb; do dpkg -x "$package" "$scratch/debian" || return; done
}

use_debian() {
    export RUSTC=$scratch/debian/usr/bin/rustc RUSTC_BOOTSTRAP=1
    export LD_LIBRARY_PATH=$scratch/debian/usr/lib/x86_64-linux-gnu
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$scratch/debian/usr/bin/wasm-ld-19
    from_source=(-Zbuild-std=std,panic_abort)
    echo "with $("$RUSTC" --version), and the standard library from source"
}

# Builds packages of tests/web for a target.
build() {
    local for=$1
    shift
    cargo build -q --release --locked --manifest-path "$manifest" --target-dir "$target" --target "$for" "$@"
}

# Builds the page with and without a storage, each into a folder.
build_pages() {
    local name
    for name in memory storage; do
        echo "building the page $name"
        case $name in
        memory) set -- -p page --no-default-features --features persist ;;
        storage) set -- -p page --features files ;;
        esac
        build "$page_target" ${from_source[@]+"${from_source[@]}"} "$@"
        "$target/debug/bind" "$target/$page_target/release/page.wasm" "$scratch/$name"
        cp tests/web/page.html tests/web/worker.js "$scratch/$name"
    done
}

# Builds one function as it comes, memoized, and stored.
build_sizes() {
    local name
    for name in plain memory stored; do
        case $name in
        plain) set -- ;;
        *) set -- --features "size/$name" ;;
        esac
        build "$page_target" -p size "$@"
        "$target/debug/bind" "$target/$page_target/release/size.wasm" "$scratch/size_$name"
    done
}

# Does what examples/browser/build.sh does.
build_example() {
    build "$page_target" -p browser-example
    "$target/debug/bind" "$target/$page_target/release/browser_example.wasm" "$scratch/example"
    cp examples/browser/index.html "$scratch/example"
}

# Prints how many bytes the module of the function and its script take, each gzipped.
size_of() {
    echo $(($(gzip -9c "$scratch/size_$1/size_bg.wasm" | wc -c) + $(gzip -9c "$scratch/size_$1/size.js" | wc -c)))
}

# Checks that memoizing one function adds no more to a page than it did when these bounds were set.
check_size() {
    local name=$1 most=$2 added
    added=$(($(size_of "$name") - $(size_of plain)))
    echo "size: a memoized function ($name) adds $added bytes, gzipped"
    if [[ $added -le $most ]]; then
        passed=$((passed + 1))
    else
        echo "scripts/web.sh: that is more than $most" >&2
        exit 1
    fi
}

# Runs tests with what stands before `--` in the environment.
run_tests() {
    local file=$1
    shift
    env "$@" timeout 120 node --no-warnings --test --test-reporter=spec "tests/web/$file" | tee "$scratch/tests" || {
        echo "scripts/web.sh: $file failed" >&2
        exit 1
    }
    passed=$((passed + $(awk '$2 == "pass" { print $3 }' "$scratch/tests")))
}

run_wasi() {
    if ! has_target "$wasi_target"; then
        skip "WASI, whose target $wasi_target rustup does not have here"
        return
    fi
    echo "building the program for WASI"
    build "$wasi_target" -p program
    run_tests wasi.mjs MEMOKIT_PROGRAM="$target/$wasi_target/release/program.wasm"
}

run_pages() {
    if ! command -v "${MEMOKIT_CHROMIUM:-chromium}" >/dev/null; then
        skip "the pages, which need chromium"
        return
    fi
    echo "building the tool that binds a page"
    cargo build -q --locked --manifest-path "$manifest" --target-dir "$target" -p bind
    if ! has_target "$page_target"; then
        if ! unpack_debian >"$scratch/apt" 2>&1; then
            skip "the pages, whose target $page_target neither rustup nor Debian has here"
            return
        fi
        use_debian
    fi
    build_pages
    run_tests memory.mjs MEMOKIT_PAGE="$scratch/memory"
    run_tests values.mjs MEMOKIT_PAGE="$scratch/memory"
    run_tests storage.mjs MEMOKIT_PAGE="$scratch/storage"
    run_tests tabs.mjs MEMOKIT_PAGE="$scratch/storage"
    run_tests files.mjs MEMOKIT_PAGE="$scratch/storage"
    if [[ ${#from_source[@]} != 0 ]]; then
        skip "the example and the size of a page, for which rustup does not have $page_target here"
        return
    fi
    echo "building the example"
    build_example
    run_tests example.mjs MEMOKIT_PAGE="$scratch/example"
    echo "building a function whose size counts"
    build_sizes
    check_size memory 60000
    check_size stored 118000
}

if ! command -v node >/dev/null; then
    skip "pages and WASI, which need node"
    exit
fi
from_source=()
run_wasi
run_pages
echo "$passed passed, 0 failed"

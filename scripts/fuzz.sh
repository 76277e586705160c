#!/usr/bin/env bash
# Fuzzes the key encoding and the readers of files, names and envelopes:
# scripts/fuzz.sh [SECONDS per target, default 60] [TARGET...]
# Runs two targets at a time. Needs a C++ compiler for libFuzzer. The stable Rust toolchain is enough. Inputs are kept
# in fuzz/target/corpus and used again. An input that fails a check is written to fuzz/target/failures, and
# `fuzz/target/HOST/release/TARGET FILE` repeats the failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../fuzz"

seconds=${1:-60}
shift || true
targets=("$@")
[[ $# == 0 ]] && targets=(values bytes frame header log snapshot index value shape tier)

host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/target
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
# With --target, cargo does not use these flags for build scripts.
cargo build --locked --release --target "$host"

fuzz() {
    local target=$1
    mkdir -p "target/corpus/$target" target/failures
    "target/$host/release/$target" -max_total_time="$seconds" -max_len=2048 -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="target/failures/$target-" "target/corpus/$target" \
        >"target/$target.log" 2>&1 && return
    echo "== $target failed"
    tail -n 40 "target/$target.log"
    return 1
}

failed=0
for ((n = 0; n < ${#targets[@]}; n += 2)); do
    running=()
    for target in "${targets[@]:n:2}"; do
        fuzz "$target" &
        running+=($!)
    done
    for process in "${running[@]}"; do wait "$process" || failed=1; done
done
for target in "${targets[@]}"; do
    echo "$target: $(grep -h number_of_executed_units "target/$target.log" || echo "see above")"
done
exit "$failed"

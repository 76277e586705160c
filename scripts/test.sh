#!/usr/bin/env bash
# Runs every test: unit, integration and documentation tests, the models of the flights, the examples, and a short run
# of the benchmarks. Installs missing tools that the tests need, if that is possible.
# Arguments are passed to cargo: `scripts/test.sh --test it persist` runs these tests only, without the models, the
# examples and the benchmarks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
summary=()

fail() {
    echo "scripts/test.sh: $*" >&2
    exit 1
}

need_toolchain() {
    if ! command -v cargo >/dev/null && [[ -f "$HOME/.cargo/env" ]]; then
        # shellcheck source=/dev/null
        source "$HOME/.cargo/env"
    fi
    command -v cargo >/dev/null || fail "no Rust toolchain; https://rustup.rs installs one"
}

# Installs a tool if it is missing, from the package of that name or another. Tests that need the tool pass without it,
# so a missing tool is reported here as skipped.
want_tool() {
    local tool=$1 package=${2:-$1}
    command -v "$tool" >/dev/null && return
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "installing $package"
        apt_install "$package" >"$scratch/apt" 2>&1 || tail -n 1 "$scratch/apt"
    fi
    command -v "$tool" >/dev/null || skipped "the tests that need $tool, which is not installed"
}

# Does the same for redis-server and redis-sentinel. The package of that name would start a service; redis-tools has the
# same program, which looks at the name by which it is called.
want_redis() {
    command -v redis-server >/dev/null && command -v redis-sentinel >/dev/null && return
    want_tool redis-check-rdb redis-tools
    if command -v redis-check-rdb >/dev/null; then
        mkdir -p "$scratch/bin"
        ln -sf "$(command -v redis-check-rdb)" "$scratch/bin/redis-server"
        ln -sf "$(command -v redis-check-rdb)" "$scratch/bin/redis-sentinel"
        export PATH="$scratch/bin:$PATH"
    fi
}

# Takes promtool out of the package prometheus, which would start a service.
want_promtool() {
    command -v promtool >/dev/null && return
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "unpacking promtool"
        (
            cd "$scratch" && apt-get update -qq && apt-get download -qq prometheus &&
                dpkg -x prometheus_*.deb prometheus
        ) >"$scratch/apt" 2>&1 || tail -n 1 "$scratch/apt"
        export PATH="$scratch/prometheus/usr/bin:$PATH"
    fi
    command -v promtool >/dev/null || skipped "the check of metrics, which needs promtool"
}

# Fetches axe, with which a test looks in a browser at the page of a report.
want_axe() {
    want_tool chromium
    [[ -n ${MEMOKIT_AXE:-} ]] && return
    if command -v npm >/dev/null &&
        (cd "$scratch" && npm pack --silent axe-core@4.11.0 && tar -xzf axe-core-*.tgz) >"$scratch/npm" 2>&1; then
        export MEMOKIT_AXE="$scratch/package/axe.min.js"
    else
        skipped "the check of contrast, which needs npm and axe-core"
    fi
}

# Tests over real requests pass without them.
want_traces() {
    [[ -d ${MEMOKIT_TRACES:-../shared/traces} ]] ||
        skipped "tests over real requests: MEMOKIT_TRACES names no folder with traces"
}

apt_install() {
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends "$1"
}

skipped() {
    echo "skipped: $*"
    summary+=("skipped: $*")
}

# Adds up the result lines of all test programs in the output of cargo test.
count_tests() {
    awk '
        /^test result:/ {
            programs++
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^failed/) failed += $(i - 1)
                if ($i ~ /^ignored/) ignored += $(i - 1)
            }
        }
        END {
            printf "%d passed, %d failed, %d ignored in %d test programs\n",
                passed, failed, ignored, programs
        }
    ' "$1"
}

run_tests() {
    local status=0
    cargo check -q -p memokit || finish $?
    cargo test --workspace --no-fail-fast "$@" 2>&1 | tee "$scratch/tests" || status=$?
    summary+=("tests: $(count_tests "$scratch/tests")")
    [[ $status == 0 ]] || finish "$status"
}

# Runs the flights, the group commit and the shared page under a model checker, which tries thousands of schedules of
# each model.
run_models() {
    local modules=(call::models:: persist::tests::group_model:: persist::tests::page_model::) module
    echo "models"
    RUSTFLAGS="${RUSTFLAGS:-} --cfg memokit_model" cargo test --release -p memo-core --lib \
        --target-dir "${CARGO_TARGET_DIR:-target}/model" -- "${modules[@]}" >"$scratch/models" 2>&1 || {
        tail -n 40 "$scratch/models"
        summary+=("models failed")
        finish 1
    }
    # A module that was renamed would match nothing and pass.
    for module in "${modules[@]}"; do
        grep -q "^test $module" "$scratch/models" && continue
        summary+=("models: no test in $module")
        finish 1
    done
    summary+=("models: $(count_tests "$scratch/models")")
}

# Runs an example, which cargo test has built already.
example() {
    local name=$1
    shift
    "${CARGO_TARGET_DIR:-target}/debug/examples/$name" "$@"
}

# Compares what each example prints with examples/output, which says what is to be seen. The text of `report` has times
# in it, so that is only run; `quickstart` has a check of its own.
run_examples() {
    local path name ran=""
    mkdir "$scratch/examples"
    for path in examples/*.rs; do
        name=$(basename "$path" .rs)
        case $name in
        quickstart) continue ;;
        report) check_report ;;
        *) check_example "$name" ;;
        esac
        ran+="$name "
    done
    check_example persist persist-again
    check_quickstart
    summary+=("examples: ${ran}quickstart")
}

# Runs the tests of the examples that bring dependencies of their own. They are a workspace beside this one, whose
# target folder they share: what both depend on with the same features is built once.
run_programs() {
    echo "examples with dependencies of their own"
    timeout 1200 cargo test --locked --manifest-path tests/examples/Cargo.toml --no-fail-fast \
        --target-dir "${CARGO_TARGET_DIR:-target}" >"$scratch/programs" 2>&1 || {
        tail -n 40 "$scratch/programs"
        summary+=("examples with dependencies of their own failed")
        finish 1
    }
    summary+=("examples with dependencies of their own: $(count_tests "$scratch/programs")")
}

check_report() {
    echo "example report"
    TMPDIR=$scratch/examples SECONDS_TO_RUN=1 example report "$scratch/page.html" >"$scratch/example" &&
        grep -q '</html>' "$scratch/page.html" && return
    summary+=("example report writes no page")
    finish 1
}

check_example() {
    local name=$1 expected=examples/output/${2:-$1}.txt
    echo "example $name"
    TMPDIR=$scratch/examples timeout 60 "${CARGO_TARGET_DIR:-target}/debug/examples/$name" \
        >"$scratch/example" && diff -u "$expected" "$scratch/example" && return
    summary+=("example $name does not print $expected")
    finish 1
}

# Checks that a second run computes nothing, that a run after an edit computes only the edited file, and that a run
# after the edit is undone computes nothing.
check_quickstart() {
    local directory="$scratch/texts" first
    cp -R examples "$directory"
    # Screenshots are no text, and are left out of account.
    find "$directory" -name '*.png' -delete
    first=$(find "$directory" -type f | wc -l | tr -d ' ')
    quickstart "on new files" "$first computed, 0 answered"
    quickstart "again" "0 computed, $first answered"
    cp "$directory/quickstart.rs" "$scratch/before"
    echo "// edited" >>"$directory/quickstart.rs"
    quickstart "after an edit" "1 computed, $((first - 1)) answered"
    cp "$scratch/before" "$directory/quickstart.rs"
    quickstart "after undoing it" "0 computed, $first answered"
}

quickstart() {
    local when=$1 expected=$2
    echo "example quickstart, $when"
    example quickstart "$scratch/texts" --cache "$scratch/cache" | tee "$scratch/quickstart"
    grep -q "^analysed: $expected" "$scratch/quickstart" && return
    summary+=("quickstart $when: expected $expected")
    finish 1
}

# Runs pages in a browser and a program under WASI. What cannot be had is skipped, and said in a line.
run_web() {
    echo "web"
    timeout 900 scripts/web.sh >"$scratch/web" 2>&1 || {
        tail -n 40 "$scratch/web"
        summary+=("web failed")
        finish 1
    }
    mapfile -t -O "${#summary[@]}" summary < <(grep '^skipped:' "$scratch/web")
    summary+=("web: $(tail -n 1 "$scratch/web")")
}

# Runs every comparison of memo-bench for a short time. Checks that it runs, that the contenders agree on the results,
# that memokit hits as often as exact LRU, and that the instructions of a hit and of an insertion are within 10 % of the
# recorded numbers. Those are for a release build, so this is a release build too. SQLite and LMDB are left out.
run_benchmarks() {
    echo "building memo-bench"
    cargo build -q --release -p memo-bench || finish $?
    bench --quick --plot "$scratch/charts"
    summary+=("memo-bench: $(grep -c "memokit  " "$scratch/bench") cases ran")
    bench memory --quick --plot "$scratch/charts"
    bench hits --quick --plot "$scratch/charts"
    bench saved --quick
    bench build --quick
    bench slow --quick
    bench stampede --quick
    bench persist --quick
    bench remote --quick
    bench instructions --check
    summary+=("memo-bench: $(cat "$scratch/bench")")
}

bench() {
    echo "memo-bench $*"
    "${CARGO_TARGET_DIR:-target}/release/memo-bench" "$@" >"$scratch/bench" && return
    tail -n 20 "$scratch/bench"
    summary+=("memo-bench $* failed")
    finish 1
}

finish() {
    echo
    printf '%s\n' "${summary[@]}"
    if [[ $1 == 0 ]]; then echo "all passed"; else echo "FAILED"; fi
    exit "$1"
}

need_toolchain
want_tool strace
want_tool valgrind
want_redis
want_tool openssl
want_promtool
want_axe
want_traces
run_tests "$@"
if [[ $# == 0 ]]; then
    run_models
    run_examples
    run_programs
    run_web
    run_benchmarks
fi
finish 0

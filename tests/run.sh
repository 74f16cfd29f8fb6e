#!/bin/bash
# Installs what is missing, builds, runs every test and prints one line `N passed, N failed, N skipped`.
#
#   tests/run.sh          what every change has to pass; at most 18 minutes on two cores
#   tests/run.sh --long   also: valgrind on everything, ThreadSanitizer, fuzzing, more random cases, full scale
#
# Everything goes into build/. Exit status 0 only if nothing failed.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
build=$root/build
results=$build/results
python=$build/venv/bin/python
jobs=$(nproc)
fuzz_seconds=180
long=0
case ${1:-} in
"") ;;
--long) long=1 ;;
*) echo "usage: tests/run.sh [--long]" >&2 && exit 2 ;;
esac

# In the foreground, where sudo can ask for a password; all else runs in groups of their own.
tests/prepare.sh "$([ $long = 1 ] && echo long || echo test)"
prepared=$?

# Each step is a process group of its own, so that nothing of it outlives this script.
set -m
group=
end_group() {
  [ -n "$group" ] || return 0
  kill -INT -- "-$group" 2>/dev/null # pytest then ends what its fixtures started
  for _ in $(seq 100); do
    kill -0 -- "-$group" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$group" 2>/dev/null
  group=
}
trap end_group EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

in_group() {
  "$@" &
  group=$!
  wait "$group"
  local status=$?
  group=
  return $status
}

note() { # RUNNER passed|failed|skipped NAME [REASON]
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-}" >>"$results/notes.tsv"
}

# step NAME COMMAND...: runs it with its output in a file, of which a failure shows the end.
step() {
  local name=$1 log="$results/$1.log" start=$SECONDS
  shift
  printf '== %s ... ' "$name"
  in_group "$@" >"$log" 2>&1
  local status=$?
  printf '%s, %d s\n' "$([ $status = 0 ] && echo done || echo "FAILED ($status)")" $((SECONDS - start))
  [ $status = 0 ] || tail -n 60 "$log"
  return $status
}

# A step that is one check; its exit status is its result.
check() {
  if step "$@"; then note "$1" passed "$1"; else note "$1" failed "$1" "see build/results/$1.log"; fi
}

# A step without which nothing else can be done.
must() {
  step "$@" && return
  note "$1" failed "$1" "see build/results/$1.log"
  finish
}

finish() {
  [ -x "$python" ] || python=$(command -v python3) || { # not even prepared
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  }
  "$python" tests/tools/count.py "$results" && exit 0
  exit 1
}

# ctest_in FOLDER RUNNER [ctest options]: the tests that are in the build FOLDER.
ctest_in() {
  local folder=$1 runner=$2
  shift 2
  step "$runner" ctest --test-dir "$folder" --output-on-failure -j "$jobs" --timeout 600 --no-tests=error \
    --test-output-size-passed 1048576 --test-output-size-failed 1048576 --output-junit "$results/$runner.xml" "$@"
  [ -s "$results/$runner.xml" ] || note "$runner" failed "$runner" "ctest wrote no results"
}

pytest_in() { # RUNNER FOLDER [pytest options]
  local runner=$1 folder=$2
  shift 2
  step "$runner" "$python" -m pytest -q -rs --color=no -o asyncio_default_fixture_loop_scope=function \
    "--junitxml=$results/$runner.xml" "$folder" "$@"
  [ -s "$results/$runner.xml" ] || note "$runner" failed "$runner" "pytest wrote no results"
}

# These mostly wait, so they run as many files at a time as there are processors. What measures runs alone.
integration_in() { # RUNNER
  pytest_in "$1" tests/integration -n "$jobs" --dist loadfile --ignore tests/integration/test_scale.py
}

# Criterion hides what a sanitizer or valgrind finds in the processes that it forks; their log files do not.
quiet_logs() { # FOLDER
  local found
  found=$(find "$1" -type f -size +0 2>/dev/null)
  [ -n "$found" ] || return 0
  head -n 60 $found
  return 1
}

sanitizer_options() { # FOLDER
  mkdir -p "$1"
  export ASAN_OPTIONS=log_path=$1/asan:detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0
  export LSAN_OPTIONS=suppressions=$root/tests/sanitize/lsan.supp:print_suppressions=0
  export UBSAN_OPTIONS=log_path=$1/ubsan:print_stacktrace=1
  export TSAN_OPTIONS="log_path=$1/tsan:ignore_noninstrumented_modules=1:suppressions=$root/tests/sanitize/tsan.supp"
}

# The honesty of such runs: a fault planted in a Criterion test must be found by the same way of running and checking.
planted_faults_are_found() { # asan_one|valgrind_one PROGRAM
  local fault logs missed=0
  for fault in leak read_past_the_end; do
    logs=$results/planted/$1/$fault
    mkdir -p "$logs"
    "$1" "$logs" "$2" --filter "planted/$fault"
    if quiet_logs "$logs"; then
      echo "$1 did not report the planted fault $fault: its runs prove nothing here"
      missed=1
    fi
  done
  return $missed
}

asan_one() { # LOGS PROGRAM [ARGUMENTS]
  sanitizer_options "$1"
  "${@:2}" --jobs 1
}

configure() { # PRESET
  cmake --preset "$1" "-DPython3_EXECUTABLE=$python"
}

without_sanitizers() {
  unset ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
}

run_asan() {
  must asan-configure configure asan
  must asan-build cmake --build "$build/asan"
  check asan-planted planted_faults_are_found asan_one "$build/asan/tests/planted"
  sanitizer_options "$results/asan-logs"
  ctest_in "$build/asan" asan
  ASAN_OPTIONS+=:fast_unwind_on_malloc=0 # these serve TLS, too: see sanitize/lsan.supp
  EGRESS_BUILD=$build/asan integration_in asan-integration
  without_sanitizers
  check asan-logs quiet_logs "$results/asan-logs"
}

# One program under valgrind. Each of Criterion's tests is a process of its own, which takes valgrind a second to start.
valgrind_one() { # LOGS PROGRAM [ARGUMENTS]
  local jobs_option=()
  [[ $2 == *_oom ]] || jobs_option=(--jobs 1)
  echo "== $2"
  valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    --trace-children=yes "--suppressions=$root/tests/sanitize/valgrind.supp" "--log-file=$1/$(basename "$2").%p" \
    "${@:2}" "${jobs_option[@]}" 2>&1
}
export -f valgrind_one
export root

# The unit tests and OOM sweeps of build/dev whose names match.
valgrind_on() { # PATTERN
  local logs=$results/valgrind-logs programs
  mkdir -p "$logs"
  programs=$(find "$build/dev/tests" -maxdepth 1 -type f -executable -regextype posix-extended -regex ".*/($1)")
  [ -n "$programs" ] || return 1
  xargs -P "$jobs" -I{} bash -c 'valgrind_one "$@"' - "$logs" {} <<<"$programs" && quiet_logs "$logs"
}

run_tsan() {
  must tsan-configure configure tsan
  must tsan-build cmake --build "$build/tsan"
  sanitizer_options "$results/tsan-logs"
  ctest_in "$build/tsan" tsan -R '_stress$' # plain mains: Criterion crashes under ThreadSanitizer
  without_sanitizers
  check tsan-logs quiet_logs "$results/tsan-logs"
}

fuzz() { # TARGET: grows a copy of its corpus for a while; its log and a mark of success are among the results
  local work=$build/fuzz/corpus/$1
  mkdir -p "$work"
  "$build/fuzz/tests/$1" -max_total_time=$fuzz_seconds -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    "-artifact_prefix=$results/$1-" "$work" "tests/fuzz/corpus/$1" >"$results/fuzz-$1.log" 2>&1 &&
    touch "$results/fuzz-$1.passed"
}
export -f fuzz

# As many at a time as there are processors.
fuzz_all() { # TARGETS
  export build results fuzz_seconds
  printf '%s\n' "$@" | xargs -P "$jobs" -I{} bash -c 'fuzz "$1" || tail -n 60 "$results/fuzz-$1.log"' - {}
}

run_fuzz() {
  local targets=() target source
  for source in tests/fuzz/*_fuzz.c; do targets+=("$(basename "$source" .c)"); done
  must fuzz-configure cmake -S . -B "$build/fuzz" -G Ninja "-DPython3_EXECUTABLE=$python" -DCMAKE_C_COMPILER=clang-14 \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DEGRESS_TESTS=ON -DEGRESS_EXAMPLES=OFF -DEGRESS_WERROR=ON \
    -DEGRESS_SANITIZE=fuzzer-no-link,address,undefined
  must fuzz-build cmake --build "$build/fuzz" --target "${targets[@]}"
  step fuzz fuzz_all "${targets[@]}"
  for target in "${targets[@]}"; do
    if [ -e "$results/fuzz-$target.passed" ]; then
      note fuzz passed "$target"
    else
      note fuzz failed "$target" "see build/results/fuzz-$target.log"
    fi
  done
}

# The one optimised build of the library here: a compiler warns of more when it optimises.
python_binding() {
  "$build/venv/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation \
    "--config-settings=build-dir=$build/python" --config-settings=cmake.define.EGRESS_WERROR=ON ./bindings/python
}

rm -rf "$results"
mkdir -p "$results"
must prepare test "$prepared" = 0
must configure configure dev
must build cmake --build "$build/dev"
export EGRESS_BUILD=$build/dev
[ $long = 0 ] || export EGRESS_LONG=1

ctest_in "$build/dev" unit
check python-build python_binding
integration_in integration
pytest_in scale tests/integration/test_scale.py
check demo env -u EGRESS_BUILD examples/demo.sh
pytest_in python bindings/python/tests
run_asan
check valgrind-planted planted_faults_are_found valgrind_one "$build/dev/tests/planted"
if [ $long = 1 ]; then
  check valgrind valgrind_on 'unit_.*|.*_oom'
  run_tsan
  run_fuzz
else
  check valgrind valgrind_on 'unit_cache_.*|(policy|resource|compile|xds|cache)_oom'
fi
finish

#!/usr/bin/env bash
# The native library's own tests (src/Native/tests) under sanitizers: once with AddressSanitizer, LeakSanitizer and
# UndefinedBehaviorSanitizer, once with ThreadSanitizer. Prints the time of each, and ends with "N passed, N failed" of both together.
#
#   eng/test-native.sh                  both
#   eng/test-native.sh address|thread   one of them
#   eng/test-native.sh --fuzz SECONDS   libFuzzer over module files, shapes and calls, with AddressSanitizer; needs clang, and installs it on
#                                       Debian. What it finds is left in artifacts/native-build/fuzzer as crash-*; the corpus is kept there.
#
# The library and the tests are instrumented, libtorch is not: an access inside libtorch is seen only where it goes through memcpy, malloc
# and their like, and what libtorch does between its own threads is not seen. Nothing is suppressed.
set -euo pipefail
cd "$(dirname "$0")/.."

build() { # sanitizer, target, further arguments of cmake
    local folder=artifacts/native-build/$1
    mkdir -p artifacts/native-build
    if [ ! -f "$folder/CMakeCache.txt" ]; then
        local generator=()
        ! command -v ninja >/dev/null || generator=(-G Ninja)
        if ! cmake "${generator[@]}" -S src/Native -B "$folder" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DFASTBATCH_NATIVE_TESTS=ON \
            -DFASTBATCH_SANITIZE="$1" "${@:3}" >"$folder.log" 2>&1; then
            cat "$folder.log" >&2
            rm -rf "$folder"
            exit 1
        fi
    fi

    cmake --build "$folder" --parallel --target "$2" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
}

# libtorch asks for absurd amounts where a test wants it to run out of memory: that is an answer of 0, not an error.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=allocator_may_return_null=1:second_deadlock_stack=1:history_size=4

if [ "${1:-}" = --fuzz ]; then
    seconds=${2:?usage: eng/test-native.sh --fuzz SECONDS}
    compiler=$(compgen -c clang++ | grep -E '^clang\+\+(-[0-9]+)?$' | sort -V | head -n 1 || true)
    probe=$(mktemp -d)
    trap 'rm -rf "$probe"' EXIT
    echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$probe/probe.cpp"
    if [ -z "$compiler" ] || ! "$compiler" -fsanitize=fuzzer,address "$probe/probe.cpp" -o "$probe/probe" 2>/dev/null; then
        if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
            echo "eng/test-native.sh: fuzzing needs clang with libFuzzer: on Debian, apt-get install clang libclang-rt-dev (or -14-dev)" >&2
            exit 1
        fi

        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang >/dev/null
        version=$(clang++ -dumpversion)
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "libclang-rt-${version%%.*}-dev" >/dev/null
        compiler=clang++
    fi

    build fuzzer native_fuzz "-DCMAKE_CXX_COMPILER=$compiler"
    cd artifacts/native-build/fuzzer
    mkdir -p seeds corpus
    FASTBATCH_FUZZ_SEEDS=seeds tests/native_fuzz
    exec tests/native_fuzz -max_total_time="$seconds" -max_len=6000 -timeout=20 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix=crash- corpus seeds
fi

# The address space must not be laid out so randomly that ThreadSanitizer finds its own part taken.
fixed=()
! setarch "$(uname -m)" -R true 2>/dev/null || fixed=(setarch "$(uname -m)" -R)

passed=0
failed=0
for sanitizer in ${1:-address thread}; do
    SECONDS=0
    build "$sanitizer" native_tests
    built=$SECONDS
    SECONDS=0
    output=artifacts/native-build/$sanitizer-tests.log
    status=0
    "${fixed[@]}" "artifacts/native-build/$sanitizer/tests/native_tests" >"$output" 2>&1 || status=$?
    grep -vE 'Sanitizer failed to allocate|^[0-9]+ passed, [0-9]+ failed$' "$output" || true
    echo "$sanitizer sanitizer: $(tail -n 1 "$output"), exit status $status; built in $built s, run in $SECONDS s"
    if [[ $(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        # What a sanitizer finds at the end shows in the status only.
        if [ "$status" -ne 0 ] && [ "${BASH_REMATCH[2]}" -eq 0 ]; then
            failed=$((failed + 1))
        fi
    else
        failed=$((failed + 1))  # ended before its last line
    fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

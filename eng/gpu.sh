#!/usr/bin/env bash
# Everything that needs a GPU, on a machine that has one, the CUDA toolkit, cmake, g++ and PyTorch; .NET comes with the bundle of
# eng/gpu-bundle.sh, in which this runs. No network is needed.
#   bash eng/gpu.sh [--results FOLDER] [--seconds N] [STEP ...]      --list names the steps, in their order
# Without steps, all that have not passed yet: run it again, with the same folder, to go on. With --seconds no step is begun that may not end
# in time, and none runs longer. results.md and results.json in the folder (default results) say how all of it stands, logs/ what was said.
# Ends with "N passed, N failed" over the steps; exit code 0 if all passed, 1 if one failed, 75 if some are still to be run.
#   FASTBATCH_TORCH_ROOT     libtorch, where python3 does not find it
#   FASTBATCH_PYTHON         a python3 with PyTorch, if not the first one
#   FASTBATCH_DEVICE         cpu or host: a rehearsal on a machine without a GPU, with small models; what needs a GPU is not run
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

device=${FASTBATCH_DEVICE:-cuda}
python=${FASTBATCH_PYTHON:-python3}
dotnet=$PWD/dotnet/dotnet
# The longest that a step has been allowed for; none should take half of it.
limit=480
# A step that takes no longer than this on a good day is begun while there is this much time.
least=100

steps=(build native-tests native-sanitizer contract-cuda contract-elsewhere device-assert contract-sanitizer digits-cuda digits-cpu models
    mlp ranking conv encoder python-mlp python-ranking python-conv python-encoder)
needs_gpu=" native-sanitizer contract-cuda contract-sanitizer digits-cuda "

results=results
seconds=
wanted=()
while [ $# -gt 0 ]; do
    case "$1" in
        --list) printf '%s\n' "${steps[@]}"; exit 0 ;;
        --results) results=${2:?"--results wants a folder"}; shift ;;
        --seconds) seconds=${2:?"--seconds wants a number"}; shift ;;
        *)
            [[ " ${steps[*]} " == *" $1 "* ]] || { echo "eng/gpu.sh: there is no step '$1'; --list names them." >&2; exit 64; }
            wanted+=("$1")
            ;;
    esac
    shift
done

results=$(cd "$here" && mkdir -p "$results/logs" && cd "$results" && pwd)
touch "$results/steps.tsv"
export DOTNET_ROOT=$PWD/dotnet DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
export DOTNET_CLI_HOME=${TMPDIR:-/tmp} FASTBATCH_NATIVE=$PWD/artifacts/native/linux-x64 FASTBATCH_REQUIRE_NATIVE=1
unset FASTBATCH_DEVICE
models=$PWD/artifacts/gpu-models
torch_models=benchmarks/FastBatch.LoadTests/TorchModels

# -- what the steps do ---------------------------------------------------------------------------------------------------------------------

build() {
    local arguments=(-DFASTBATCH_NATIVE_TESTS=ON)
    local torch=${FASTBATCH_TORCH_ROOT:-}
    if [ "$device" = cuda ]; then
        [ -n "$torch" ] || torch=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))')
        arguments+=(-DFASTBATCH_CUDA=ON)
        if [ -z "${CUDA_HOME:-}${CUDA_PATH:-}" ] && command -v nvcc >/dev/null; then
            arguments+=(-DFASTBATCH_CUDA_ROOT="$(dirname "$(dirname "$(readlink -f "$(command -v nvcc)")")")")
        fi
    fi

    [ -z "$torch" ] || arguments+=(-DFASTBATCH_TORCH_ROOT="$torch")
    bash eng/build-native.sh "${arguments[@]}"
}

native_tests() { # compute-sanitizer and its arguments, a part of the names
    local pattern=${!#}
    "${@:1:$#-1}" "$FASTBATCH_NATIVE/native_tests" ${pattern:+"$pattern"}
}

# Tests of a project; none at all is a failure.
tests() { # the device that is there, folder of the project, filter, what runs it
    FASTBATCH_DEVICE=$1 "${@:4}" "$dotnet" vstest/vstest.console.dll "$2/$2.dll" "--TestCaseFilter:$3" "--logger:console;verbosity=normal" \
        -- RunConfiguration.TreatNoTestsAsError=true
}

device_assert() {
    local output
    output=$("$dotnet" FastBatch.Native.Tests/FastBatch.Native.Tests.dll lose-device "$([ "$device" = cuda ] && echo cuda || echo cpu)") || {
        echo "$output"
        return 1
    }
    echo "$output"
    [[ $output == *"as it must be: after"* ]]
}

make_models() {
    local small=()
    [ "$device" = cuda ] || small=(--small)
    "$python" "$torch_models/make.py" --gpu "$models" "${small[@]}"
}

# How long a rehearsal measures says nothing.
windows=()
[ "$device" = cuda ] || windows=(--seconds 0.2 --rounds 1)

load() { "$dotnet" FastBatch.LoadTests/FastBatch.LoadTests.dll gpu --models "$models" --device "$device" --json --model "$1" "${windows[@]}"; }

load_python() {
    "$python" "$torch_models/gpu_naive.py" "$models" --device "$([ "$device" = cuda ] && echo cuda || echo cpu)" --model "$1" "${windows[@]}"
}

# Leaks are not asked for: libtorch keeps its memory until the process ends.
sanitizer=(compute-sanitizer --tool memcheck --error-exitcode 9)

run() {
    case "$1" in
        build) build ;;
        native-tests) native_tests env '' ;;
        native-sanitizer) native_tests "${sanitizer[@]}" cuda ;;
        contract-cuda) tests cuda FastBatch.Native.Tests "FullyQualifiedName~Cuda" env ;;
        contract-elsewhere) tests '' FastBatch.Tests "FullyQualifiedName~Devices" env ;;
        device-assert) device_assert ;;
        contract-sanitizer) tests cuda FastBatch.Native.Tests "FullyQualifiedName~CudaContract" "${sanitizer[@]}" --target-processes all --require-cuda-init no ;;
        digits-cuda) "$dotnet" Digits/Digits.dll --engine cuda --json ;;
        digits-cpu) "$dotnet" Digits/Digits.dll --engine libtorch --json ;;
        models) make_models ;;
        python-*) load_python "${1#python-}" ;;
        *) load "$1" ;;
    esac
}

# -- one after the other -------------------------------------------------------------------------------------------------------------------

state_of() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' "$results/steps.tsv"; }

note() { # name, state, seconds, last line
    awk -F '\t' -v name="$1" '$1 != name' "$results/steps.tsv" >"$results/steps.tsv.new"
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$results/steps.tsv.new"
    mv "$results/steps.tsv.new" "$results/steps.tsv"
    echo "$1: $2, $3 s: $4"
}

# In a process group of its own, so that its end is the end of all it began.
step() {
    local name=$1 most=$limit began=$SECONDS status=0
    [ -z "$seconds" ] || most=$((seconds - SECONDS < limit ? seconds - SECONDS : limit))
    set -m
    (run "$name") >"$results/logs/$name.log" 2>&1 </dev/null &
    local process=$!
    set +m
    (
        sleep "$most" &
        trap 'kill $!' TERM
        wait $! && echo "eng/gpu.sh: ended after $most s" >>"$results/logs/$name.log" && kill -KILL -- "-$process"
    ) 2>/dev/null &
    local watch=$!
    wait "$process" || status=$?
    kill "$watch" 2>/dev/null || true
    wait "$watch" 2>/dev/null || true
    note "$name" "$([ $status -eq 0 ] && echo passed || echo "failed ($status)")" $((SECONDS - began)) \
        "$(tail -n 1 "$results/logs/$name.log" | grep -v '^{"scenario"' | tr '\t\r' '  ' | cut -c1-200)"
}

if [ ! -f "$results/machine.txt" ]; then
    {
        if [ "$device" = cuda ]; then nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>&1 | head -n 1 || true; else echo "no GPU: a rehearsal on $device"; fi
        grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //' || uname -m
        echo "$(nproc) cores"
        "$python" -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda)' 2>/dev/null || echo "PyTorch not found"
        date -u +%Y-%m-%d
    } >"$results/machine.txt"
fi

for name in "${steps[@]}"; do
    if [ ${#wanted[@]} -gt 0 ]; then
        [[ " ${wanted[*]} " == *" $name "* ]] || continue
    elif [ "$(state_of "$name")" = passed ]; then
        continue
    fi

    if [ "$device" != cuda ] && [[ $needs_gpu == *" $name "* ]]; then
        note "$name" "not run" 0 "needs a GPU"
    elif [ -n "$seconds" ] && [ $((seconds - SECONDS)) -lt $least ]; then
        # What failed before stays so.
        [ -n "$(state_of "$name")" ] || note "$name" "not run" 0 "no time left"
    else
        step "$name"
    fi
done

"$python" eng/gpu-report.py "$results" "${steps[@]}"
passed=0
failed=0
for name in "${steps[@]}"; do
    case "$(state_of "$name")" in
        passed) passed=$((passed + 1)) ;;
        failed*) failed=$((failed + 1)) ;;
    esac
done

left=$((${#steps[@]} - passed - failed))
[ $left -eq 0 ] || echo "$left not run"
echo "$passed passed, $failed failed"
[ "$device" = cuda ] || left=$((left - $(wc -w <<<"$needs_gpu")))
[ $failed -eq 0 ] || exit 1
[ $left -eq 0 ] || exit 75

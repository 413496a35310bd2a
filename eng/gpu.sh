#!/usr/bin/env bash
# Everything that needs a GPU, on a machine that has one, the CUDA toolkit, cmake, g++ and PyTorch; .NET comes with the bundle of
# eng/gpu-bundle.sh, in which this runs. Builds the native library against PyTorch's libtorch, then:
#   the native tests, alone and under compute-sanitizer; the contract of devices on cuda; the Digits sample on cuda and on the CPU.
#   bash eng/gpu.sh [folder for results, default results]       FASTBATCH_TORCH_ROOT names libtorch where python3 does not find it
# Ends with "N passed, N failed" over the steps; each step's output is in the folder, and results.md says how each ended.
set -euo pipefail
cd "$(dirname "$0")/.."

results=$(mkdir -p "${1:-results}" && cd "${1:-results}" && pwd)
export DOTNET_ROOT=$PWD/dotnet DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
export FASTBATCH_NATIVE=$PWD/artifacts/native/linux-x64 FASTBATCH_REQUIRE_NATIVE=1
dotnet=$PWD/dotnet/dotnet
torch=${FASTBATCH_TORCH_ROOT:-$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')}

passed=0
failed=0
step() { # name, command ...
    local name=$1 began=$SECONDS status=0
    shift
    "$@" >"$results/$name.log" 2>&1 || status=$?
    if [ $status -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "| $name | $([ $status -eq 0 ] && echo passed || echo "failed, $status") | $((SECONDS - began)) s | $(tail -n 1 "$results/$name.log" | tr '|' '/' | cut -c1-160) |" |
        tee -a "$results/results.md"
}

tests() { # folder of a test project, filter
    "$dotnet" vstest/vstest.console.dll "$1/$1.dll" "--TestCaseFilter:$2" "--logger:console;verbosity=normal"
}

{
    echo "# $(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1), $(nproc) cores"
    echo
    echo "libtorch in $torch: $(python3 -c 'import torch; print(torch.__version__, "CUDA", torch.version.cuda)' 2>/dev/null || echo 'version not known')"
    echo
    echo "| step | | time | last line |"
    echo "|---|---|---|---|"
} | tee "$results/results.md"

step build bash eng/build-native.sh -DFASTBATCH_TORCH_ROOT="$torch" -DFASTBATCH_CUDA=ON -DFASTBATCH_NATIVE_TESTS=ON
native=$(echo artifacts/native-build/linux-*/tests/native_tests)
step native-tests "$native"
# Leaks are not asked for: libtorch keeps its memory until the process ends.
step compute-sanitizer compute-sanitizer --tool memcheck --error-exitcode 9 "$native" cuda
export FASTBATCH_DEVICE=cuda
step contract-cuda tests FastBatch.Native.Tests "FullyQualifiedName~Cuda"
unset FASTBATCH_DEVICE
step contract-elsewhere tests FastBatch.Tests "FullyQualifiedName~Devices"
step digits-cuda "$dotnet" Digits/Digits.dll --engine cuda --json
step digits-cpu "$dotnet" Digits/Digits.dll --engine libtorch --json

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]

#!/usr/bin/env bash
# Packs what eng/gpu.sh needs, for a machine that has a GPU, the CUDA toolkit and PyTorch, but neither network nor .NET:
#   bash eng/gpu-bundle.sh [folder, default artifacts/gpu]      makes <folder>/fastbatch-gpu.tar.xz and prints its size
# There: tar -xf fastbatch-gpu.tar.xz (or python3 -m tarfile -e, where xz is missing) && bash fastbatch-gpu/eng/gpu.sh
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
folder=$(mkdir -p "${1:-artifacts/gpu}" && cd "${1:-artifacts/gpu}" && pwd)
bundle=$folder/fastbatch-gpu
rm -rf "$bundle"
mkdir -p "$bundle/dotnet" "$bundle/vstest" "$bundle/src" "$bundle/eng"

# The runtime: the host and the framework, and the console runner of the SDK, which the framework runs.
root=$(dirname "$(readlink -f "$(command -v dotnet)")")
runtime=$(dotnet --list-runtimes | awk '$1 == "Microsoft.NETCore.App" { version = $2 } END { print version }')
sdk=$root/sdk/$(dotnet --version)
cp "$root/dotnet" "$bundle/dotnet/"
for part in "host/fxr/$runtime" "shared/Microsoft.NETCore.App/$runtime"; do
    mkdir -p "$bundle/dotnet/$(dirname "$part")"
    cp -r "$root/$part" "$bundle/dotnet/$part"
done
cp "$sdk"/vstest.console.* "$sdk"/Microsoft.TestPlatform.*.dll "$sdk"/Microsoft.VisualStudio.TestPlatform.*.dll "$sdk"/Newtonsoft.Json.dll \
    "$sdk"/Microsoft.Extensions.{DependencyModel,FileSystemGlobbing}.dll "$sdk"/NuGet.Frameworks.dll "$bundle/vstest/"
cp -r "$sdk/Extensions" "$bundle/vstest/"

for project in tests/FastBatch.Native.Tests tests/FastBatch.Tests samples/Digits benchmarks/FastBatch.LoadTests; do
    dotnet publish "$project" -c Release -v q -o "$bundle/$(basename "$project")" -p:UseAppHost=false
done
# A library of this machine is none for that one; symbols, other languages and what measures coverage are for nobody there.
find "$bundle" \( -name '*fastbatch_native.*' -o -name '*.pdb' \) -delete
for tests in "$bundle"/*.Tests; do
    rm -rf "$tests"/{CodeCoverage,macos,ubuntu,alpine,arm64,x64,x86,InstrumentationEngine}
done
find "$bundle" -mindepth 2 -type d -regex '.*/\(cs\|de\|es\|fr\|it\|ja\|ko\|pl\|pt-BR\|ru\|tr\|zh-Hans\|zh-Hant\)' -prune -exec rm -rf {} +

cp -r src/Native "$bundle/src/"
rm -rf "$bundle/src/Native/bin" "$bundle/src/Native/obj"
cp eng/build-native.sh eng/check-native-exports.sh eng/gpu.sh eng/gpu-report.py "$bundle/eng/"
mkdir -p "$bundle/benchmarks/FastBatch.LoadTests/TorchModels"
cp benchmarks/FastBatch.LoadTests/TorchModels/*.py "$bundle/benchmarks/FastBatch.LoadTests/TorchModels/"

tar -C "$folder" -cJf "$folder/fastbatch-gpu.tar.xz" fastbatch-gpu
rm -rf "$bundle"
du -h "$folder/fastbatch-gpu.tar.xz"

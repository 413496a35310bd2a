#!/usr/bin/env bash
# Builds libfastbatch_native into artifacts/native/<rid>, where `dotnet build` picks it up, and checks that it is what the header says and
# the C# bindings expect. Quick if nothing changed. Arguments go to cmake: -DCMAKE_PREFIX_PATH=/opt/libtorch names a libtorch that was
# unpacked by hand. On Debian and Ubuntu, what is missing is installed; elsewhere this says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "eng/build-native.sh: $*" >&2; }

has_torch() {
    [ -n "${CMAKE_PREFIX_PATH:-}" ] || [[ " $* " == *" -DCMAKE_PREFIX_PATH"* || " $* " == *" -DFASTBATCH_TORCH_ROOT"* ]] ||
        compgen -G "/usr/lib/*/cmake/Torch/TorchConfig.cmake" >/dev/null ||
        compgen -G "/usr/*/share/cmake/Torch/TorchConfig.cmake" >/dev/null
}

packages=()
command -v cmake >/dev/null || packages+=(cmake)
command -v c++ >/dev/null || packages+=(g++)
# OpenBLAS comes with libtorch, and not after it: the BLAS that libtorch-dev alone brings is an order of magnitude slower.
has_torch "$@" || packages+=(libtorch-dev libopenblas0-pthread)
if [ ${#packages[@]} -gt 0 ]; then
    sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    if ! command -v apt-get >/dev/null || { [ ${#sudo[@]} -gt 0 ] && ! command -v sudo >/dev/null; }; then
        say "missing (by their names on Debian): ${packages[*]}. Install them; libtorch may be unpacked anywhere (https://pytorch.org," \
            "C++, shared with dependencies): then pass -DCMAKE_PREFIX_PATH=<its folder>."
        exit 1
    fi

    say "installing ${packages[*]}"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

case "$(uname -s)" in
    Linux) os=linux ;;
    Darwin) os=osx ;;
    *) os=win ;;
esac
case "$(uname -m)" in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
esac

mkdir -p artifacts/native-build
build=artifacts/native-build/$os-$arch
output=artifacts/native/$os-$arch
# A configured folder stays as it is: the build itself runs cmake again when CMakeLists.txt has changed.
if [ $# -gt 0 ] || [ ! -f "$build/CMakeCache.txt" ]; then
    generator=()
    [ -f "$build/CMakeCache.txt" ] || ! command -v ninja >/dev/null || generator=(-G Ninja)
    if ! cmake "${generator[@]}" -S src/Native -B "$build" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$PWD/$output" -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$PWD/$output" "$@" >"$build.log" 2>&1; then
        cat "$build.log" >&2
        rm -rf "$build"
        exit 1
    fi
fi

cmake --build "$build" --config Release --parallel
bash eng/check-native-exports.sh "$output"/*fastbatch_native.*

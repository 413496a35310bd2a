#!/usr/bin/env bash
# Runs what needs TorchSharp: the tests of its family of methods, and its sample. For machines that have the packages, or a feed with them.
#
#   bash eng/test-torchsharp.sh [--source FEED] [--version V] [--package NAME]
#
# FEED is a folder or an address with TorchSharp and NAME (default TorchSharp-cpu) in version V (default: that of Directory.Packages.props).
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '4,6s/^# *//p' "$0" >&2; exit 2; }

properties=(-p:UseTorchSharp=true)
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case "$1" in
        --source) properties+=("-p:RestoreAdditionalProjectSources=$([ -d "$2" ] && realpath "$2" || echo "$2")") ;;
        --version) properties+=("-p:TorchSharpVersion=$2") ;;
        --package) properties+=("-p:TorchSharpPackage=$2") ;;
        *) usage ;;
    esac
    shift 2
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

# The tests compare with the family over FastBatch.Native; a libtorch before 2.2 needs its library for TorchSharp's family, too.
bash eng/build-native.sh

dotnet test tests/FastBatch.TorchSharp.Tests -c Release "${properties[@]}"
dotnet run --project samples/TorchSharp -c Release "${properties[@]}"

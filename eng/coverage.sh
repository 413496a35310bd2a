#!/usr/bin/env bash
# Which lines and branches the tests run: bash eng/coverage.sh [test project ...]      default: all of the solution that measure it
# Prints a summary; the pages are in artifacts/coverage.
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet tool restore
projects=("$@")
[ ${#projects[@]} -gt 0 ] || mapfile -t projects < <(dotnet sln FastBatch.sln list | tr '\\' / | grep '^tests/' | xargs grep -l coverlet)
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for project in "${projects[@]}"; do
    # Counting slows the code down: fewer rounds of the stress test show as much.
    FASTBATCH_STRESS_SECONDS="${FASTBATCH_STRESS_SECONDS:-2}" dotnet test "$project" -c Release --collect "XPlat Code Coverage" --results-directory "$results" -v q
done

dotnet reportgenerator "-reports:$results/*/coverage.cobertura.xml" -targetdir:artifacts/coverage "-reporttypes:TextSummary;Html" \
    "-assemblyfilters:+FastBatch*;-*Tests" -verbosity:Error
cat artifacts/coverage/Summary.txt

#!/usr/bin/env bash
# Installs what the tests need, builds everything, runs every test. Ends with "N passed, N failed" from the real counts.
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en

if ! command -v dotnet >/dev/null; then
    echo "eng/test.sh: the .NET 10 SDK is not on the PATH; see https://dot.net/download." >&2
    exit 1
fi

# The tests that run libtorch are skipped where it is missing; here that would hide what they are for.
bash eng/build-native.sh
export FASTBATCH_REQUIRE_NATIVE=1

dotnet build FastBatch.sln -c Release

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0
# Those of the solution: the others need what not every machine has.
mapfile -t tests < <(dotnet sln FastBatch.sln list | tr '\\' / | grep '^tests/')
for project in "${tests[@]}"; do
    dotnet test "$project" -c Release --no-build --logger "console;verbosity=normal" \
        --logger "trx;LogFileName=$(basename "$project" .csproj).trx" --results-directory "$results" \
        | grep -Ev '^ *Passed ' || status=1
done

# What users get: packages, and a new project that serves a model from them.
bash eng/new-web-project.sh || status=1

# The counts are those of the result files: a runner that died without writing one has failed.
count() { grep -ho "<Counters [^>]*>" "$results"/*.trx | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' | awk '{ sum += $1 } END { print sum + 0 }'; }
projects=${#tests[@]}
written=$(ls "$results"/*.trx 2>/dev/null | wc -l)
passed=$(count passed)
failed=$(($(count failed) + $(count error) + $(count timeout) + $(count aborted)))
skipped=$(($(count total) - $(count executed)))
if [ "$written" -ne "$projects" ]; then
    echo "eng/test.sh: $projects test projects, but only $written wrote results." >&2
    failed=$((failed + projects - written))
fi

if [ "$skipped" -gt 0 ]; then
    echo "$skipped skipped, for the reasons above"
fi

echo "$passed passed, $failed failed"

[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

#!/usr/bin/env bash
# Mutation testing: changes the runtime in small ways and counts the changes that a test notices.
#   bash eng/mutation.sh [folder of src/Runtime ...]      default: Lanes Completion Scheduling
# Takes minutes to hours. The report is in tests/FastBatch.Tests/StrykerOutput (HTML, JSON).
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# A mutant lives as long as the tests that cover it: the stress test is to be short.
export FASTBATCH_STRESS_SECONDS="${FASTBATCH_STRESS_SECONDS:-1}"

dotnet tool restore
folders=("$@")
[ ${#folders[@]} -gt 0 ] || folders=(Lanes Completion Scheduling)
mutate=()
for folder in "${folders[@]}"; do
    [ -d "src/Runtime/$folder" ] || { echo "eng/mutation.sh: no folder src/Runtime/$folder" >&2; exit 64; }
    mutate+=(--mutate "**/$folder/*.cs")
done

cd tests/FastBatch.Tests
exec dotnet stryker --project FastBatch.csproj --configuration Release --concurrency "${MUTATION_CONCURRENCY:-1}" \
    "${mutate[@]}" --reporter cleartext --reporter json --reporter html

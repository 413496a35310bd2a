#!/usr/bin/env bash
# Mutation testing: changes the runtime in small ways and counts the changes that a test notices.
#   bash eng/mutation.sh [folder or files below src/Runtime ...]      default: Completion Lanes Scheduling
# Each argument is a run of its own, over the tests that are about it; files joined by a comma share one (Lanes/Lane.cs,Lanes/Batch.cs). A change in
# the core of a lock-free structure hangs most tests that meet it, and every hang is waited for: minutes a file, on two cores. The reports are in
# tests/FastBatch.Tests/StrykerOutput (HTML, JSON).
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet tool restore
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(Completion Lanes Scheduling)

# The tests that notice a change within milliseconds. What only others notice counts as survived, so the score is a lower bound.
tests_of() {
    case "$1" in
        Completion*) echo "FullyQualifiedName~.Completion." ;;
        Lanes*) echo "FullyQualifiedName~.Lanes." ;;
        Scheduling*) echo "FullyQualifiedName~.Scheduling." ;;
        *) echo "FullyQualifiedName!~StressTests&FullyQualifiedName!~AllocationTests" ;;
    esac
}

configuration=$(mktemp --suffix .json)
trap 'rm -f "$configuration"' EXIT
for part in "${parts[@]}"; do
    patterns=()
    for path in ${part//,/ }; do
        [ -e "src/Runtime/$path" ] || { echo "eng/mutation.sh: no src/Runtime/$path" >&2; exit 64; }
        [ -f "src/Runtime/$path" ] || path="$path/*.cs"
        patterns+=("\"**/Runtime/$path\"")
    done
    mutate=$(IFS=,; echo "${patterns[*]}")
    cat >"$configuration" <<END
{ "stryker-config": {
    "project": "FastBatch.csproj", "configuration": "Release", "concurrency": ${MUTATION_CONCURRENCY:-2},
    "coverage-analysis": "perTest", "additional-timeout": 1000, "mutate": [$mutate],
    "test-case-filter": "$(tests_of "$part")", "reporters": ["cleartext", "json", "html"] } }
END
    (cd tests/FastBatch.Tests && dotnet stryker --config-file "$configuration")
done

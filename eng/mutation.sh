#!/usr/bin/env bash
# Mutation testing: changes the runtime in small ways and counts the changes that a test notices.
#   bash eng/mutation.sh [folder or files below src/Runtime ...]      default: Completion Lanes Scheduling
# Each argument is a run of its own, over the tests that are about it; files joined by a comma share one (Lanes/Lane.cs,Lanes/Batch.cs). Minutes a
# folder, on two cores. The reports are in tests/FastBatch.Tests/StrykerOutput (HTML, JSON).
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet tool restore
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(Completion Lanes Scheduling)

# The folder's own tests, which notice a change within milliseconds; those of whole batchers hang on most. What only others notice counts as
# survived, so the score is a lower bound; but a test that takes seconds longer than it did counts as hanging, and that as noticed: keep the
# machine free of other work.
tests_of() {
    case "$1" in
        Completion* | Lanes* | Scheduling*) echo "FullyQualifiedName~.${1%%[/,]*}." ;;
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
    "coverage-analysis": "perTest", "additional-timeout": 4000, "mutate": [$mutate],
    "test-case-filter": "$(tests_of "$part")", "reporters": ["cleartext", "json", "html"] } }
END
    (cd tests/FastBatch.Tests && dotnet stryker --config-file "$configuration")
done

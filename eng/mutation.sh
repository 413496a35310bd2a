#!/usr/bin/env bash
# Mutation testing: changes the runtime in small ways and counts the changes that a test notices.
#   bash eng/mutation.sh [folder or file below src/Runtime ...]      default: Completion Lanes Scheduling
# Each is a run of its own, over the tests that are about it: a change in the core of a lock-free structure hangs most tests that meet it, and
# every hang is waited for. Minutes a file, on two cores. The reports are in tests/FastBatch.Tests/StrykerOutput (HTML, JSON).
set -euo pipefail
cd "$(dirname "$0")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet tool restore
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(Completion Lanes Scheduling)

# The tests that notice a change within milliseconds. What only others notice counts as survived, so the score is a lower bound.
tests_of() {
    case "$1" in
        Completion*) echo "FullyQualifiedName~.Completion.|FullyQualifiedName~CancellationTests|FullyQualifiedName~MisuseTests.A_result|FullyQualifiedName~MisuseTests.Awaiting" ;;
        Lanes*) echo "FullyQualifiedName~.Lanes.|FullyQualifiedName~PriorityTests|FullyQualifiedName~Batchers.DeadlineTests|FullyQualifiedName~ObserverTests|FullyQualifiedName~OverloadTests|FullyQualifiedName~CheckedTests|FullyQualifiedName~FiniteTests|FullyQualifiedName~SubmitTests.Every_form" ;;
        Scheduling*) echo "FullyQualifiedName~.Scheduling." ;;
        *) echo "FullyQualifiedName!~StressTests&FullyQualifiedName!~AllocationTests" ;;
    esac
}

configuration=$(mktemp --suffix .json)
trap 'rm -f "$configuration"' EXIT
for part in "${parts[@]}"; do
    case "$part" in
        *.cs) pattern="**/$part" path="src/Runtime/$part" ;;
        *) pattern="**/Runtime/$part/*.cs" path="src/Runtime/$part" ;;
    esac
    [ -e "$path" ] || { echo "eng/mutation.sh: no $path" >&2; exit 64; }
    cat >"$configuration" <<END
{ "stryker-config": {
    "project": "FastBatch.csproj", "configuration": "Release", "concurrency": ${MUTATION_CONCURRENCY:-2},
    "coverage-analysis": "perTest", "additional-timeout": 1000, "mutate": ["$pattern"],
    "test-case-filter": "$(tests_of "$part")", "reporters": ["cleartext", "json", "html"] } }
END
    (cd tests/FastBatch.Tests && dotnet stryker --config-file "$configuration")
done

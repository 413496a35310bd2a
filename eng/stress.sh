#!/usr/bin/env bash
# Runs the stress test for longer than the tests do: bash eng/stress.sh [seconds, default 600]
set -euo pipefail
cd "$(dirname "$0")/.."
FASTBATCH_STRESS_SECONDS="${1:-600}" dotnet test tests/FastBatch.Tests -c Release --filter "FullyQualifiedName~StressTests" \
    --logger "console;verbosity=detailed"

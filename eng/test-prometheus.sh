#!/usr/bin/env bash
# Runs the digits sample with its metrics, has Prometheus scrape it, and checks that every metric of docs/operations.md arrives with samples,
# that the rules hold nothing Prometheus does not understand, and that every expression of the rules and of the dashboard is answered.
# Needs prometheus, curl and python3 (Debian's do).
set -euo pipefail
cd "$(dirname "$0")/.."
port=${METRICS_PORT:-19464}
prometheus_port=${PROMETHEUS_PORT:-19090}
work=$(mktemp -d)
cleanup() { kill "${sample:-}" "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT

for tool in prometheus promtool curl python3; do
    command -v "$tool" >/dev/null || { echo "test-prometheus: $tool is not installed (apt-get install prometheus curl python3)" >&2; exit 1; }
done

promtool check rules docs/operations/alerts.yml
dotnet build samples/Digits -c Release -v quiet --nologo
samples/Digits/bin/Release/net10.0/Digits --json --seconds 60 --clients 32 --metrics "$port" >"$work/sample.txt" & sample=$!
cat >"$work/prometheus.yml" <<YAML
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ "$PWD/docs/operations/alerts.yml" ]
scrape_configs: [ { job_name: digits, static_configs: [ { targets: [ "localhost:$port" ] } ] } ]
YAML
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address="localhost:$prometheus_port" \
    --log.level=warn >"$work/prometheus.txt" 2>&1 & server=$!

# Ready when a rate over two scrapes is there.
for _ in $(seq 60); do
    curl -sf "http://localhost:$prometheus_port/api/v1/query" --data-urlencode 'query=rate(fastbatch_requests_total[10s]) > 0' | grep -q '"value"' && ready=1 && break
    kill -0 "$server" 2>/dev/null || { cat "$work/prometheus.txt" >&2; exit 1; }
    sleep 1
done
[ -n "${ready:-}" ] || { echo "test-prometheus: nothing arrived in a minute" >&2; cat "$work/prometheus.txt" >&2; exit 1; }
python3 eng/test-prometheus.py "http://localhost:$prometheus_port"
if grep -E 'level=(warn|error)' "$work/prometheus.txt"; then echo "test-prometheus: Prometheus complained" >&2; exit 1; fi

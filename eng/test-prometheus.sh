#!/usr/bin/env bash
# Runs two samples with their metrics, one of them overloaded, has Prometheus scrape them, and checks that every metric of docs/operations.md
# arrives with samples, that the rules raise what they should and nothing else, and that every expression of the dashboard is answered.
# Needs prometheus, curl and python3 (Debian's do).
set -euo pipefail
cd "$(dirname "$0")/.."
port=${METRICS_PORT:-19464}
prometheus_port=${PROMETHEUS_PORT:-19090}
work=$(mktemp -d)
cleanup() { kill "${load:-}" "${sample:-}" "${service:-}" "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT

for tool in prometheus promtool curl python3; do
    command -v "$tool" >/dev/null || { echo "test-prometheus: $tool is not installed (apt-get install prometheus curl python3)" >&2; exit 1; }
done

promtool check rules docs/operations/alerts.yml
promtool test rules docs/operations/alerts.test.yml
for project in samples/Digits samples/WebApi; do dotnet build "$project" -c Release -v quiet --nologo; done
samples/Digits/bin/Release/net10.0/Digits --json --seconds 60 --clients 32 --metrics "$port" >"$work/sample.txt" & sample=$!

# A service whose model takes 50 ms for each request, and which is sent 8 at a time, with room for 2.
service_port=$((port + 1))
(cd samples/WebApi/bin/Release/net10.0 && exec dotnet WebApi.dll --urls "http://localhost:$service_port" --Model:BatchTime=00:00:00.050 \
    --FastBatch:DigitModel.Classify:MaxBatchSize=1 --FastBatch:DigitModel.Classify:Capacity=2) >"$work/service.txt" 2>&1 & service=$!
python3 -c 'print([0.5] * 64)' >"$work/image.json"
(
    while kill -0 "$service"; do
        curl -s --parallel --parallel-max 8 -H 'content-type: application/json' -d "@$work/image.json" "http://localhost:$service_port/classify?[1-100]" || sleep 0.2
    done
) >/dev/null 2>&1 & load=$!
cat >"$work/prometheus.yml" <<YAML
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ "$PWD/docs/operations/alerts.yml" ]
scrape_configs:
  - { job_name: digits, static_configs: [ { targets: [ "localhost:$port" ] } ] }
  - { job_name: service, static_configs: [ { targets: [ "localhost:$service_port" ] } ] }
YAML
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address="localhost:$prometheus_port" \
    --log.level=warn >"$work/prometheus.txt" 2>&1 & server=$!

# Ready when a rate over two scrapes is there, of both.
for _ in $(seq 60); do
    curl -sf "http://localhost:$prometheus_port/api/v1/query" --data-urlencode 'query=(sum(rate(fastbatch_requests_total{job="digits"}[10s])) > 0) and (sum(rate(fastbatch_rejections_total{job="service"}[10s])) > 0)' | grep -q '"value"' && ready=1 && break
    kill -0 "$server" 2>/dev/null || { cat "$work/prometheus.txt" >&2; exit 1; }
    sleep 1
done
[ -n "${ready:-}" ] || { echo "test-prometheus: nothing arrived in a minute" >&2; cat "$work/prometheus.txt" >&2; exit 1; }
python3 eng/test-prometheus.py "http://localhost:$prometheus_port"
if grep -E 'level=(warn|error)' "$work/prometheus.txt"; then echo "test-prometheus: Prometheus complained" >&2; exit 1; fi

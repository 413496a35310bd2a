#!/usr/bin/env bash
# Loads the sample from a second process at several rates and prints what its callers see: load.sh [SECONDS per rate, default 10].
# The model takes 20 ms for a batch of up to 16, so its capacity is some 790 requests/s. Callers are promised their answers in 100 ms: those
# that would be late are refused. The deadline in appsettings.json is shorter, since it does not count what HTTP takes.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-10}
batch=16
batch_ms=20
capacity=$((batch * 1000 / batch_ms))

command -v h2load >/dev/null || apt-get install -y nghttp2-client >/dev/null
dotnet build samples/WebApi -c Release -v q --nologo >/dev/null
work=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
python3 -c 'print([round(i % 17 / 16, 4) for i in range(64)])' >"$work/image.json"

cd samples/WebApi/bin/Release/net10.0
dotnet WebApi.dll --urls http://127.0.0.1:0 "--Model:BatchTime=00:00:00.0$batch_ms" \
    "--FastBatch:DigitModel.Classify:MaxBatchSize=$batch" >"$work/log" 2>&1 &
server=$!
for _ in $(seq 300); do grep -q 'Now listening on' "$work/log" && break; sleep 0.1; done
address=$(sed -n 's/.*Now listening on: //p' "$work/log" | tr -d '\r' | head -1)

# A client sends 8 requests a second, if it is answered in time. Those of one h2load keep step, so there are ten, one after the other.
load() { # RATE SECONDS
    rm -f "$work"/requests*
    for i in 0 1 2 3 4 5 6 7 8 9; do
        (
            sleep "$(printf "0.%04d" $((125 * i)))"
            h2load --h1 -c $(($1 / 80)) -t 1 -D "$2" --rps 8 --log-file "$work/requests$i" \
                -H 'content-type: application/json' -d "$work/image.json" "$address/classify" >/dev/null
        ) &
        loaders[i]=$!
    done
    wait "${loaders[@]}"
    cat "$work"/requests* >"$work/requests"
}

load "$capacity" 3 # Warm.
printf '%10s %12s %12s %10s %10s %10s %10s %12s\n' 'x capacity' 'requests/s' 'answered/s' '429/s' '504/s' 'p50 ms' 'p99 ms' 'rows a batch'
for tenths in 2 5 8 10 30; do
    curl -fsS "$address/batches" >"$work/before"
    load $((capacity * tenths / 10)) "$seconds"
    curl -fsS "$address/batches" >"$work/after"
    python3 - "$work" "$tenths" "$seconds" <<'PYTHON'
import json, sys
work, tenths, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
requests = [line.split() for line in open(f"{work}/requests")]
answered = sorted(int(request[2]) / 1000 for request in requests if request[1] == "200")
refused = sum(request[1] == "429" for request in requests)
late = sum(request[1] == "504" for request in requests)
assert len(answered) + refused + late == len(requests), {request[1] for request in requests}
before, after = (json.load(open(f"{work}/{name}")) for name in ("before", "after"))
batches = {int(size): count - before.get(size, 0) for size, count in after.items()}
rows = sum(size * count for size, count in batches.items()) / max(1, sum(batches.values()))
at = lambda q: answered[min(len(answered) - 1, int(len(answered) * q))]
print(f"{tenths / 10:>10} {len(requests) / seconds:>12.0f} {len(answered) / seconds:>12.0f} {refused / seconds:>10.0f} {late / seconds:>10.0f}"
      f" {at(0.5):>10.1f} {at(0.99):>10.1f} {rows:>12.1f}")
PYTHON
done

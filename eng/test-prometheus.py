"""Asks a Prometheus that scrapes a batcher for everything the docs, the rules and the dashboard speak of; see test-prometheus.sh."""
import json
import re
import sys
import urllib.parse
import urllib.request

SERVER = sys.argv[1]
UNITS = {"s": "_seconds", "By": "_bytes", "1": "_ratio"}


def ask(path, **parameters):
    with urllib.request.urlopen(f"{SERVER}/api/v1/{path}?{urllib.parse.urlencode(parameters)}") as answer:
        return json.load(answer)["data"]


def query(expression):
    return ask("query", query=expression)["result"]


failures = []

# Every metric of the table is there. A healthy sample refuses nothing, so there is no such series; nor is there an error.
types = {name: entries[0]["type"] for name, entries in ask("metadata").items()}
absent = {"fastbatch_rejections"}
rows = re.findall(r"^\| `([a-z._]+)` \| (\w+) \| `([^`]+)` \|", open("docs/operations.md", encoding="utf-8").read(), re.M)
for name, kind, unit in rows:
    family = name.replace(".", "_") + UNITS.get(unit, "")
    if family in absent:
        continue
    series = family + {"Counter": "_total", "Histogram": "_count"}.get(kind, "")
    expected = {"Counter": "counter", "Histogram": "histogram"}.get(kind, "gauge")
    found = query(series)
    if not found:
        failures.append(f"{series} has not arrived")
    elif any("fastbatch_endpoint" not in one["metric"] for one in found):
        failures.append(f"{series} has no endpoint")
    if types.get(family) != expected:
        failures.append(f"{family} is a {types.get(family)}, not a {expected}")

# The rules load and evaluate.
rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
failures += [f"rule {rule['name']}: {rule['health']} {rule.get('lastError', '')}" for rule in rules if rule["health"] == "err"]
firing = [rule["name"] for rule in rules if rule.get("state") in ("pending", "firing")]
failures += [f"{name} is raised over a healthy sample" for name in firing]

# Every panel has something to show, but for what a healthy sample does not do.
panels = json.load(open("docs/operations/dashboard.json", encoding="utf-8"))["panels"]
shown = 0
for panel in panels:
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", "10s").replace("$endpoint", ".*")
        if query(expression):
            shown += 1
        elif not any(name in expression for name in absent):
            failures.append(f"dashboard, {panel['title']}: no answer to {expression}")

rate = float(query("sum(rate(fastbatch_requests_total[10s]))")[0]["value"][1])
print(f"{len(rows)} metrics, {len(rules)} rules, {shown} expressions of {len(panels)} panels; {rate:,.0f} requests/s")
for failure in failures:
    print("test-prometheus:", failure, file=sys.stderr)
sys.exit(1 if failures or len(rows) < 15 or len(rules) < 7 else 0)

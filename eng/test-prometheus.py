"""Asks a Prometheus that scrapes two services, one of them overloaded, for everything the docs, the rules and the dashboard speak of; see test-prometheus.sh."""
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

# Every metric of the table is there.
types = {name: entries[0]["type"] for name, entries in ask("metadata").items()}
rows = re.findall(r"^\| `([a-z._]+)` \| (\w+) \| `([^`]+)` \|", open("docs/operations.md", encoding="utf-8").read(), re.M)
for name, kind, unit in rows:
    family = name.replace(".", "_") + UNITS.get(unit, "")
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
raised = {(rule["name"], alert["labels"]["job"]) for rule in rules for alert in rule.get("alerts", [])}
failures += [f"{name} is raised over the healthy sample" for name, job in raised if job == "digits"]
if ("FastBatchRefusing", "service") not in raised:
    failures.append("FastBatchRefusing is not raised over the overloaded service")

# Every panel has something to show.
panels = json.load(open("docs/operations/dashboard.json", encoding="utf-8"))["panels"]
shown = 0
for panel in panels:
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", "10s").replace("$endpoint", ".*")
        if query(expression):
            shown += 1
        else:
            failures.append(f"dashboard, {panel['title']}: no answer to {expression}")

rate = float(query('sum(rate(fastbatch_requests_total{job="digits"}[10s]))')[0]["value"][1])
print(f"{len(rows)} metrics, {len(rules)} rules, {shown} expressions of {len(panels)} panels; {rate:,.0f} requests/s")
for failure in failures:
    print("test-prometheus:", failure, file=sys.stderr)
sys.exit(1 if failures or len(rows) < 15 or len(rules) < 7 else 0)

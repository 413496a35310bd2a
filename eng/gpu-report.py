#!/usr/bin/env python3
"""Makes results.md and results.json of what eng/gpu.sh left in its folder: gpu-report.py FOLDER STEP ..., the steps in their order."""

import json
import pathlib
import sys


def rows_of(log: pathlib.Path) -> list:
    rows = []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else []:
        if line.startswith('{"scenario"'):
            rows.append(json.loads(line))
    return rows


def number(value, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def table(head: list, rows: list) -> list:
    right = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in [head, right, *rows]] + [""]


def goals(bounds: list, results: list) -> list:
    """What was promised, as far as it was measured: what, the goal, the figure, whether it is met."""

    def find(model: str, batcher: str, in_flight: int):
        return next((r for r in results if (r["model"], r["batcher"], r["inFlight"]) == (model, batcher, in_flight)), None)

    found = []
    for bound in bounds:
        model, backlog = bound["model"], 4 * bound["batch"]
        for batcher in ("fastbatch", "fastbatch-graphs"):
            full, alone = find(model, batcher, backlog), find(model, batcher, 1)
            if full and model in ("conv", "encoder"):
                share = full["shareOfBound"]
                found.append([f"{model}, {batcher}: throughput of the bound, {backlog} in flight", "at least 0.95", f"{share:.3f}", share >= 0.95])
            if alone:
                ratio = alone["ofBare"]
                found.append([f"{model}, {batcher}: median latency of one request over the bare round trip", "at most 1.3", f"{ratio:.2f}", ratio <= 1.3])
            if full:
                spent = full["bytesPerRequest"]
                found.append([f"{model}, {batcher}: managed bytes a request", "less than 0.5", f"{spent:.2f}", spent < 0.5])
            if alone:
                spent = alone["bytesPerRequest"]
                found.append([f"{model}, {batcher}: managed bytes a batch of one", "less than 0.5", f"{spent:.2f}", spent < 0.5])
        eager, graphs = find(model, "fastbatch", bound["batch"]), find(model, "fastbatch-graphs", bound["batch"])
        if model == "mlp" and eager and graphs:
            ratio = eager["batchMicroseconds"] / graphs["batchMicroseconds"]
            found.append(["mlp: median time of a batch, eager over graphs", "at least 2", f"{ratio:.2f}", ratio >= 2])
    return found


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    order = sys.argv[2:]
    machine = (folder / "machine.txt").read_text().splitlines()
    known = dict((line.split("\t")[0], line.split("\t")) for line in (folder / "steps.tsv").read_text().splitlines())
    steps = [known.get(name, [name, "not run", "0", ""]) for name in order]
    measured = [row for name in order for row in rows_of(folder / "logs" / f"{name}.log")]
    bounds = [row for row in measured if row["scenario"] == "gpu-bound"]
    results = [row for row in measured if row["scenario"] == "gpu"]
    best = {bound["model"]: bound["requestsPerSecond"] for bound in bounds}
    for row in results:
        if row.get("shareOfBound") is None and row["model"] in best:
            row["shareOfBound"] = round(row["requestsPerSecond"] / best[row["model"]], 4)

    text = [f"# {machine[0]}", "", ", ".join(machine[1:]) + ".", ""]
    text += table(["step", "how it ended", "seconds", "its last line"], [[s[0], s[1], s[2], s[3].replace("|", "/")] for s in steps])
    # A rehearsal says nothing of them.
    on_gpu = [bound for bound in bounds if bound["device"].startswith("cuda")]
    checked = goals(on_gpu, results)
    if checked:
        text += table(["what", "goal", "measured", ""], [[what, goal, figure, "met" if met else "**missed**"] for what, goal, figure, met in checked])
    for bound in bounds:
        own = [row for row in results if row["model"] == bound["model"]]
        text += [
            f"## {bound['model']}, {bound['batch']} rows at most",
            "",
            f"Each stage of a full batch alone: {number(bound['hostToDeviceMicroseconds'])} us in, {number(bound['computeMicroseconds'])} us to compute,"
            f" {number(bound['deviceToHostMicroseconds'])} us out, so at most {number(bound['requestsPerSecond'], 0)} requests/s. One row there and back,"
            f" synchronously: {number(bound['bareP50Microseconds'])} us. Its answers differ from PyTorch's on the CPU in float32 by"
            f" {bound['differenceFromPytorch']:.1e} of the largest; {bound['tolerance']} is allowed. {bound['library']}.",
            "",
        ]
        text += table(
            ["batcher", "in flight", "requests/s", "spread %", "p50 us", "p99 us", "batch us", "rows", "B/request", "of the bound", "of bare", "off by"],
            [
                [
                    row["batcher"],
                    str(row["inFlight"]),
                    number(row["requestsPerSecond"], 0),
                    number(row["spreadPercent"], 0),
                    number(row["p50Microseconds"]),
                    number(row["p99Microseconds"]),
                    number(row.get("batchMicroseconds")),
                    number(row["meanBatchSize"]),
                    number(row.get("bytesPerRequest"), 2),
                    number(row.get("shareOfBound"), 3),
                    number(row.get("ofBare"), 2),
                    f"{row['maxDifference']:.1e}",
                ]
                for row in own
            ],
        )
    text += [
        "Medians of the rounds. Of the bound: of what the longest stage alone would allow. Of bare: the median latency over that of the bare round trip."
        " Off by: the largest difference from the model's own answers, one by one, in parts of the largest answer. Every answer was checked."
    ]
    (folder / "results.md").write_text("\n".join(text) + "\n")
    (folder / "results.json").write_text(
        json.dumps(
            {
                "machine": machine,
                "steps": [dict(zip(("name", "state", "seconds", "lastLine"), step)) for step in steps],
                "goals": [dict(zip(("what", "goal", "measured", "met"), goal)) for goal in checked],
                "bounds": bounds,
                "results": results,
            },
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()

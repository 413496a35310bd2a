#!/usr/bin/env python3
"""What the load test `gpu` measures, as it is written in Python: asyncio callers, and one thread that stacks their rows, copies the batch to the
device, runs it, copies the answers back and resumes the callers. Pageable memory, the default stream, each step after the one before.

    python3 gpu_naive.py MODELS [--device cuda|cpu] [--model NAME] [--seconds S] [--rounds R]

MODELS is the folder that make.py --gpu wrote. Prints one JSON object a line, with the keys of Gpu/GpuResult.cs. Every answer is checked against
the model's own, one by one, a batch at a time. Ends with 1 on a wrong one.
"""

import argparse
import asyncio
import json
import pathlib
import queue
import statistics
import sys
import threading
import time

import torch


class Model:
    def __init__(self, folder: pathlib.Path, entry: dict, device: str):
        self.name, self.batch, self.tolerance, self.device = entry["name"], entry["batch"], entry["tolerance"], device
        self.module = torch.jit.load(str(folder / f"{self.name}.pt"), map_location=device).eval()
        data = bytearray((folder / f"{self.name}.rows").read_bytes())
        rows = torch.frombuffer(data, dtype=getattr(torch, entry["rowType"])).view(-1, *entry["rowShape"])
        self.rows = list(rows)
        for _ in range(3):
            count = self.batch
            while count >= 1:
                self.run([self.rows[i % len(self.rows)] for i in range(count)])
                count //= 2
        self.answers = torch.cat([self.run([row]) for row in self.rows]).float()
        self.largest = float(self.answers.abs().max())
        self.difference = 0.0

    def run(self, rows: list) -> torch.Tensor:
        with torch.inference_mode():
            return self.module(torch.stack(rows).to(self.device)).cpu()

    def check(self, numbers: list, answers: torch.Tensor) -> None:
        difference = float((answers.float() - self.answers[numbers]).abs().max()) / self.largest
        if not difference <= self.tolerance:  # a NaN is none either
            print(f"{self.name}: an answer is off by {difference} of the largest; {self.tolerance} is allowed", file=sys.stderr, flush=True)
            sys.exit(1)
        self.difference = max(self.difference, difference)


class Batcher:
    def __init__(self, model: Model, loop: asyncio.AbstractEventLoop):
        self.model, self.loop = model, loop
        self.requests = queue.SimpleQueue()
        self.batches = self.count = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def submit(self, number: int) -> asyncio.Future:
        future = self.loop.create_future()
        self.requests.put((number, future))
        return future

    def close(self) -> None:
        self.requests.put(None)
        self.thread.join()

    def serve(self) -> None:
        while True:
            batch = [self.requests.get()]
            try:
                while len(batch) < self.model.batch:
                    batch.append(self.requests.get_nowait())
            except queue.Empty:
                pass
            if None in batch:
                return
            answers = self.model.run([self.model.rows[number] for number, _ in batch])
            self.batches += 1
            self.count += len(batch)
            self.loop.call_soon_threadsafe(self.resume, batch, answers)

    def resume(self, batch: list, answers: torch.Tensor) -> None:
        self.model.check([number for number, _ in batch], answers)
        for (_, future), answer in zip(batch, answers):
            future.set_result(answer)


async def measure(model: Model, in_flight: int, seconds: float) -> dict:
    batcher = Batcher(model, asyncio.get_running_loop())
    state = {"end": False, "count": 0}
    latencies = []

    async def client(index: int) -> None:
        number = index * 31
        while not state["end"]:
            start = time.perf_counter()
            await batcher.submit(number % len(model.rows))
            latencies.append(time.perf_counter() - start)
            number += 1

    clients = [asyncio.create_task(client(i)) for i in range(in_flight)]
    await asyncio.sleep(max(0.02, seconds / 4))
    latencies.clear()
    batches, count, cpu, start = batcher.batches, batcher.count, time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    while not latencies:
        await asyncio.sleep(0.001)
    elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu
    seen, batches, count = sorted(latencies), batcher.batches - batches, batcher.count - count
    state["end"] = True
    await asyncio.gather(*clients)
    batcher.close()
    return {
        "rate": len(seen) / elapsed,
        "p50": seen[len(seen) // 2] * 1e6,
        "p99": seen[min(len(seen) - 1, int(len(seen) * 0.99))] * 1e6,
        "rows": count / max(1, batches),
        "cpu": cpu * 1e6 / len(seen),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    files = json.loads((arguments.models / "models.json").read_text())
    library = f"PyTorch {torch.__version__}, Python {sys.version.split()[0]}, {'small' if files['small'] else 'full'} models"
    for entry in files["models"]:
        if arguments.model not in (None, entry["name"]):
            continue
        model = Model(arguments.models, entry, arguments.device)
        for in_flight in (1, model.batch, 4 * model.batch):
            model.difference = 0.0
            rounds = [asyncio.run(measure(model, in_flight, arguments.seconds)) for _ in range(arguments.rounds + 1)][1:]
            middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
            rates = [one["rate"] for one in rounds]
            result = {
                "scenario": "gpu",
                "device": "cuda:0" if arguments.device == "cuda" else arguments.device,
                "model": model.name,
                "batcher": "python-naive",
                "batch": model.batch,
                "inFlight": in_flight,
                "requestsPerSecond": round(middle["rate"], 1),
                "spreadPercent": round(100 * (max(rates) - min(rates)) / middle["rate"], 1),
                "p50Microseconds": round(middle["p50"], 3),
                "p99Microseconds": round(middle["p99"], 3),
                "meanBatchSize": round(middle["rows"], 3),
                "cpuSecondsPerMillion": round(middle["cpu"], 3),
                "maxDifference": model.difference,
                "tolerance": model.tolerance,
                "rounds": arguments.rounds,
                "library": library,
            }
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

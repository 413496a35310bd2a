#!/usr/bin/env python3
"""Writes network.pt and identity.pt, what the scenario `torch` runs, and small.pt, which `samples/TorchSharp -- bench` does.

Needs Debian's package python3-torch. Run it from any folder:

    /usr/bin/python3 benchmarks/FastBatch.LoadTests/TorchModels/make.py

network.pt is a perceptron, 128 -> 256 -> 256 -> 16 with ReLU, float32, with random weights but for one path on each side that the load
loops check their answers by: output 0 is twice input 0, output 15 is input 127, exactly, for inputs where the first is not negative and the
last not positive. Nothing is added to the network for that: it is what any perceptron of its size costs. Every run on one machine writes
the same bytes. small.pt is 64 -> 128 -> 64 -> 10, all of it random.
"""

import io
import pathlib

import torch

HERE = pathlib.Path(__file__).resolve().parent
WIDTHS = (128, 256, 256, 16)
SMALL_WIDTHS = (64, 128, 64, 10)


class Network(torch.nn.Module):
    def __init__(self, widths: tuple[int, int, int, int]):
        super().__init__()
        self.first = torch.nn.Linear(widths[0], widths[1])
        self.second = torch.nn.Linear(widths[1], widths[2])
        self.third = torch.nn.Linear(widths[2], widths[3])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.third(torch.relu(self.second(torch.relu(self.first(x)))))


class Identity(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def only(layer: torch.nn.Linear, output: int, source: int, factor: float) -> None:
    """Makes an output a multiple of one input: all that is added to it is 0, so it is exact in whatever order it is summed."""
    layer.weight[output] = 0
    layer.weight[output, source] = factor
    layer.bias[output] = 0


def write(name: str, module: torch.nn.Module) -> None:
    # Constants are written in the order of a hashed set, another one each run; debug records name the folders of this machine.
    torch.nn.Linear.__constants__ = []
    reader = torch._C.PyTorchFileReader(io.BytesIO(torch.jit.script(module.eval()).save_to_buffer()))
    writer = torch._C.PyTorchFileWriter(str(HERE / f"{name}.pt"))
    for record_name in reader.get_all_records():
        if record_name != "version" and not record_name.endswith(".debug_pkl"):
            record = reader.get_record(record_name)
            writer.write_record(record_name, record, len(record))
    writer.write_end_of_file()


def main() -> None:
    torch.manual_seed(11)
    network = Network(WIDTHS).requires_grad_(False)
    only(network.first, 0, 0, 1)
    only(network.first, 1, 127, -1)
    only(network.second, 0, 0, 1)
    only(network.second, 1, 1, 1)
    only(network.third, 0, 0, 2)
    only(network.third, 15, 1, -1)
    write("network", network)
    write("identity", Identity())
    write("small", Network(SMALL_WIDTHS).requires_grad_(False))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes network.pt and identity.pt, what the scenario `torch` runs, and small.pt, which `samples/TorchSharp -- bench` does.

Needs Debian's package python3-torch. Run it from any folder:

    /usr/bin/python3 benchmarks/FastBatch.LoadTests/TorchModels/make.py
    python3 benchmarks/FastBatch.LoadTests/TorchModels/make.py --gpu FOLDER [--small]

network.pt is a perceptron, 128 -> 256 -> 256 -> 16 with ReLU, float32, with random weights but for one path on each side that the load
loops check their answers by: output 0 is twice input 0, output 15 is input 127, exactly, for inputs where the first is not negative and the
last not positive. Nothing is added to the network for that: it is what any perceptron of its size costs. Every run on one machine writes
the same bytes. small.pt is 64 -> 128 -> 64 -> 10, all of it random.

--gpu writes the models of gpu_models.py, which are too large to be kept, into a folder, for the load test `gpu`: for each its module, for a GPU
or, with --small, little ones for the CPU; 64 rows; and the answers that PyTorch computes for them on the CPU in float32, one by one. models.json
lists them. Any PyTorch from 1.13 on does.
"""

import argparse
import io
import json
import pathlib

import gpu_models
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


def write_for_gpu(folder: pathlib.Path, small: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    models = []
    for model in gpu_models.MODELS:
        torch.manual_seed(gpu_models.SEED)
        module = gpu_models.scale_weights(model.small() if small else model.full()).eval().requires_grad_(False)
        module.to(memory_format=torch.channels_last)  # what convolutions in half precision are quick in
        rows = model.rows()
        if model.half:
            module.half().float()
        with torch.inference_mode():
            answers = torch.cat([module(row.unsqueeze(0)) for row in rows])
        # The CPU has no half precision to speak of.
        scripted = torch.jit.script(module.half() if model.half and not small else module)
        scripted.save(str(folder / f"{model.name}.pt"))
        (folder / f"{model.name}.rows").write_bytes(rows.contiguous().numpy().tobytes())
        (folder / f"{model.name}.answers").write_bytes(answers.float().contiguous().numpy().tobytes())
        models.append(
            {
                "name": model.name,
                "batch": model.small_batch if small else model.full_batch,
                "rowType": str(rows.dtype).removeprefix("torch."),
                "rowShape": list(rows.shape[1:]),
                "answerType": str(answers.dtype).removeprefix("torch."),
                "answerShape": list(answers.shape[1:]),
                "tolerance": model.tolerance,
            }
        )
    torch.jit.script(Identity()).save(str(folder / "identity.pt"))
    (folder / "models.json").write_text(json.dumps({"small": small, "pytorch": torch.__version__, "models": models}, indent=1))


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
    parser = argparse.ArgumentParser()
    parser.add_argument("--gpu", type=pathlib.Path)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    if arguments.gpu:
        write_for_gpu(arguments.gpu, arguments.small)
    else:
        main()

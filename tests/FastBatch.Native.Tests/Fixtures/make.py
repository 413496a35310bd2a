#!/usr/bin/env python3
"""Writes the TorchScript modules of the tests and cases.json, what Python computes with them.

Needs Debian's package python3-torch. Run it from any folder:

    /usr/bin/python3 tests/FastBatch.Native.Tests/Fixtures/make.py

cases.json is a list of {"module", "method", "inputs", "outputs"}; a tensor is {"dtype", "shape", "data"}, the data in base64: its
elements in row-major order, little-endian. Every run on one machine writes the same bytes.
"""

import base64
import io
import json
import pathlib
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

HERE = pathlib.Path(__file__).resolve().parent


class Mlp(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(16, 32)
        self.second = torch.nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(x)))


class TwoInputs(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(20, 8)

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        return x + self.table(ids).sum(1)


class Results(torch.nn.Module):
    """Every kind of result: forward gives a tuple of two dtypes."""

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return x * 2, x.argmax(1)

    @torch.jit.export
    def pieces(self, x: Tensor) -> List[Tensor]:
        return [x[:, 0], x[:, 1], x[:, 2]]

    @torch.jit.export
    def number(self, x: Tensor) -> int:
        return x.size(0)

    @torch.jit.export
    def named(self, x: Tensor) -> Dict[str, Tensor]:
        return {"x": x}

    @torch.jit.export
    def nothing(self, x: Tensor) -> None:
        pass

    @torch.jit.export
    def mixed(self, x: Tensor) -> Tuple[Tensor, int]:
        return x, 1


class Methods(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("offset", torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.offset

    @torch.jit.export
    def scale(self, x: Tensor, factor: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        y = x * factor
        return y if bias is None else y + bias

    @torch.jit.export
    def repeat(self, x: Tensor, times: Tensor) -> Tensor:
        """Takes as long as one likes."""
        for _ in range(int(times)):
            x = torch.sigmoid(x)
        return x


class Raises(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return self.check(x) * 2

    def check(self, x: Tensor) -> Tensor:
        if bool((x < 0).any()):
            raise ValueError("an input is negative")
        return x


class Overwrites(torch.nn.Module):
    """Writes to its input, through a view, before it raises."""

    def forward(self, x: Tensor) -> Tensor:
        raises = bool((x < 0).any())
        y = x * 2
        x.view(-1).mul_(0)
        if raises:
            raise ValueError("an input is negative")
        return y


class Layouts(torch.nn.Module):
    """Results that do not lie in memory row by row."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)

    @torch.jit.export
    def every_other(self, x: Tensor) -> Tensor:
        return x[:, ::2, 1:]

    @torch.jit.export
    def expanded(self, x: Tensor) -> Tensor:
        return x[:, :1, :1].expand(-1, 4, 3)


class Columns(torch.nn.Module):
    """The batch is the second dimension: [3, N] -> [2, N]."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.t()).t()


class Identity(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x

    @torch.jit.export
    def copy(self, x: Tensor) -> Tensor:
        return x.clone()


def write_module(name: str, module: torch.nn.Module) -> None:
    # Constants are written in the order of a hashed set, another one each run. The forward passes use none.
    torch.nn.Linear.__constants__ = []
    torch.nn.Embedding.__constants__ = []
    scripted = torch.jit.script(module.eval().requires_grad_(False))
    # The debug records name the folders of the machine that made them.
    reader = torch._C.PyTorchFileReader(io.BytesIO(scripted.save_to_buffer()))
    writer = torch._C.PyTorchFileWriter(str(HERE / f"{name}.pt"))
    for record_name in reader.get_all_records():
        if record_name != "version" and not record_name.endswith(".debug_pkl"):
            record = reader.get_record(record_name)
            writer.write_record(record_name, record, len(record))
    writer.write_end_of_file()


def tensor(value: Tensor) -> dict:
    array = value.contiguous().numpy()
    return {
        "dtype": str(value.dtype).removeprefix("torch."),
        "shape": list(value.shape),
        "data": base64.b64encode(array.tobytes()).decode("ascii"),
    }


def case(module: str, method: str, *inputs: Tensor) -> dict:
    outputs = getattr(torch.jit.load(str(HERE / f"{module}.pt")), method)(*inputs)
    return {
        "module": module,
        "method": method,
        "inputs": [tensor(value) for value in inputs],
        "outputs": [tensor(value) for value in ([outputs] if isinstance(outputs, Tensor) else outputs)],
    }


def main() -> None:
    torch.manual_seed(7)
    torch.set_num_threads(1)
    modules = {
        "mlp": Mlp(), "two_inputs": TwoInputs(), "results": Results(), "methods": Methods(), "raises": Raises(), "layouts": Layouts(),
        "columns": Columns(), "identity": Identity(), "overwrites": Overwrites(),
    }
    for name, module in modules.items():
        write_module(name, module)

    cases = [case("mlp", "forward", torch.randn(rows, 16)) for rows in (1, 7, 64)]
    cases += [case("two_inputs", "forward", torch.randn(rows, 8), torch.randint(0, 20, (rows, 3))) for rows in (1, 5)]
    cases.append(case("results", "forward", torch.randn(6, 4)))
    cases.append(case("results", "pieces", torch.randn(6, 3)))
    cases.append(case("methods", "forward", torch.randn(4, 2)))
    cases.append(case("methods", "scale", torch.randn(4, 2), torch.tensor(2.5)))
    cases.append(case("methods", "scale", torch.randn(4, 2), torch.tensor(2.5), torch.randn(2)))
    cases.append(case("methods", "repeat", torch.randn(4), torch.tensor(3)))
    cases.append(case("raises", "forward", torch.rand(2, 2)))
    for method in ("forward", "every_other", "expanded"):
        cases.append(case("layouts", method, torch.randn(3, 4, 5)))
    cases.append(case("columns", "forward", torch.randn(3, 9)))
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64, torch.bool):
        cases.append(case("identity", "copy", torch.tensor([[0, 1, 2], [3, 100, 127]]).to(dtype)))
    with (HERE / "cases.json").open("w") as file:
        file.write("[\n" + ",\n".join(json.dumps(one) for one in cases) + "\n]\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Trains the classifier of the Digits sample and writes its model files.

Needs Debian's packages python3-torch and python3-sklearn; the images come with the second. Run it from any folder:

    /usr/bin/python3 samples/Digits/training/train.py

The network is 64 -> 768 -> 768 -> 10 with ReLU after the two hidden layers. Its input is one 8x8 image, row by row,
scaled to 0..1; its output is one logit per digit. 768 is wide enough that a pass over a single image is bound by
fetching the weights, 1.3 MB of float16, and widening them; a pass over many images is bound by arithmetic.

Files written to ../model, every number little-endian:

    digits.weights.bin  "DIGW", uint32 version = 1, uint32 layers, uint32 widths[layers + 1], then for each layer
                        float16 weights[output][input] and float16 bias[output].
    digits.test.bin     "DIGT", uint32 version = 1, uint32 images, uint32 pixels = 64, uint32 classes = 10, then
                        uint8 pixels[images][64] in 0..16, uint8 labels[images], float32 logits[images][10].
    digits.pt           The same network as TorchScript, float32 [N, 64] -> float32 [N, 10].

The weights are rounded to float16 before the network is evaluated, so the accuracy, the reference logits and
digits.pt all belong to the numbers in digits.weights.bin. The test images take no part in training, nor in choosing
when to stop: the number of epochs is fixed. Every run on one machine writes the same bytes.

Data: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49, licensed under CC BY 4.0. scikit-learn carries the 1,797 images of its test part.
"""

import io
import pathlib
import struct

import numpy
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 20
HIDDEN = 768
TEST_SHARE = 0.25
EPOCHS = 60
BATCH = 64
LEARNING_RATE = 1e-3
NOISE = 0.05
MODEL = pathlib.Path(__file__).resolve().parent.parent / "model"


class Network(torch.nn.Module):
    def __init__(self, hidden: int):
        super().__init__()
        self.first = torch.nn.Linear(64, hidden)
        self.second = torch.nn.Linear(hidden, hidden)
        self.third = torch.nn.Linear(hidden, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.first(images))
        hidden = torch.relu(self.second(hidden))
        return self.third(hidden)


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Moves each image by at most one pixel each way, then adds a little noise."""
    padded = torch.nn.functional.pad(images.view(-1, 8, 8), (1, 1, 1, 1))
    views = torch.stack([padded[:, y:y + 8, x:x + 8] for y in range(3) for x in range(3)])
    # Half of the images stay in the middle, where the test images are.
    shift = torch.randint(0, 18, (len(images),), generator=generator)
    shift = torch.where(shift < 9, shift, torch.tensor(4))
    moved = views[shift, torch.arange(len(images))].reshape(-1, 64)
    return (moved + NOISE * torch.randn(moved.shape, generator=generator)).clamp(0, 1)


def train(images: torch.Tensor, labels: torch.Tensor) -> Network:
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    network = Network(HIDDEN)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images), generator=generator).split(BATCH):
            loss = torch.nn.functional.cross_entropy(
                network(augment(images[rows], generator)), labels[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)


def write_weights(path: pathlib.Path, layers: list) -> None:
    widths = [layers[0].in_features] + [layer.out_features for layer in layers]
    with path.open("wb") as file:
        file.write(b"DIGW" + struct.pack(f"<II{len(widths)}I", 1, len(layers), *widths))
        for layer in layers:
            file.write(layer.weight.numpy().astype("<f2").tobytes())
            file.write(layer.bias.numpy().astype("<f2").tobytes())


def write_test(path: pathlib.Path, pixels: numpy.ndarray, labels: numpy.ndarray, logits: numpy.ndarray) -> None:
    with path.open("wb") as file:
        file.write(b"DIGT" + struct.pack("<IIII", 1, *pixels.shape, logits.shape[1]))
        file.write(pixels.astype("u1").tobytes() + labels.astype("u1").tobytes() + logits.astype("<f4").tobytes())


def write_script(path: pathlib.Path, network: Network) -> None:
    # Constants are written in the order of a hashed set, another one each run. The forward pass uses none.
    torch.nn.Linear.__constants__ = []
    # The debug records name the source files of the machine that trained: nobody else has them, so they stay out.
    reader = torch._C.PyTorchFileReader(io.BytesIO(torch.jit.script(network).save_to_buffer()))
    writer = torch._C.PyTorchFileWriter(str(path))
    for name in reader.get_all_records():
        if name != "version" and not name.endswith(".debug_pkl"):  # the writer adds a version of its own
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_end_of_file()
    # What was written must load, and must give what the network gives.
    probe = torch.linspace(0, 1, 2 * 64).view(2, 64)
    torch.testing.assert_close(torch.jit.load(str(path))(probe), network(probe))


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    train_rows, test_rows = train_test_split(
        numpy.arange(len(digits.target)), test_size=TEST_SHARE, stratify=digits.target, random_state=SEED)
    images = torch.from_numpy(digits.data.astype("float32") / 16)
    labels = torch.from_numpy(digits.target)

    network = train(images[train_rows], labels[train_rows])
    for parameter in network.parameters():
        parameter.copy_(parameter.half().float())

    logits = network(images[test_rows])
    correct = (logits.argmax(1) == labels[test_rows]).sum().item()
    print(f"{len(train_rows)} training images, {len(test_rows)} test images, "
          f"{correct} right: accuracy {correct / len(test_rows):.4f}")

    MODEL.mkdir(exist_ok=True)
    write_weights(MODEL / "digits.weights.bin", [network.first, network.second, network.third])
    write_test(MODEL / "digits.test.bin", digits.data[test_rows], digits.target[test_rows], logits.numpy())
    write_script(MODEL / "digits.pt", network)


if __name__ == "__main__":
    main()

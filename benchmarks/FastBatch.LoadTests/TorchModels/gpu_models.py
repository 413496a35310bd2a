"""The models that the load test `gpu` serves, small and full, with rows to send and the answers that are right. make.py --gpu writes them.

Weights are random with a fixed seed, scaled so that signals neither vanish nor grow: what a model costs, and whether two rows have answers
that can be told apart, is as in a trained one. Half precision is what a GPU computes conv and encoder in; their weights are rounded to it
before the answers are computed in float32, so that an answer of the GPU is off by its arithmetic alone.
"""

import typing

import torch
from torch.nn import functional

SEED = 17
ROWS = 64


class Perceptron(torch.nn.Module):
    def __init__(self, widths):
        super().__init__()
        layers = []
        for inputs, outputs in zip(widths, widths[1:]):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
        self.layers = torch.nn.Sequential(*layers[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Block(torch.nn.Module):
    """Two convolutions beside a shortcut; what a trained ResNet normalizes by is part of its convolutions when it serves."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = torch.nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.second = torch.nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = torch.nn.Identity() if inputs == outputs and stride == 1 else torch.nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) * 0.5 + self.shortcut(x))


class ConvBlocks(torch.nn.Module):
    """uint8 [N, 3, 224, 224] to half [N, 1000]."""

    def __init__(self, channels, blocks: int):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, channels[0], 7, 2, 3)
        layers = []
        inputs = channels[0]
        for stage, outputs in enumerate(channels):
            for block in range(blocks):
                layers.append(Block(inputs, outputs, 2 if stage > 0 and block == 0 else 1))
                inputs = outputs
        self.blocks = torch.nn.Sequential(*layers)
        self.head = torch.nn.Linear(inputs, 1000)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images.to(self.stem.weight.dtype).contiguous(memory_format=torch.channels_last) / 127.5 - 1.0
        x = functional.max_pool2d(torch.relu(self.stem(x)), 3, 2, 1)
        return self.head(self.blocks(x).mean([2, 3])).to(torch.half)


class Attention(torch.nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.size = width // heads
        self.projection = torch.nn.Linear(width, 3 * width)
        self.output = torch.nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, tokens, width = x.shape
        parts = self.projection(x).view(rows, tokens, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        mixed = attend(parts[0], parts[1], parts[2])
        return self.output(mixed.transpose(1, 2).reshape(rows, tokens, width))


if hasattr(functional, "scaled_dot_product_attention"):

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(q, k, v)

else:  # libtorch 1.13

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return torch.softmax(torch.matmul(q, k.transpose(2, 3)) / float(q.size(3)) ** 0.5, -1).matmul(v)


class EncoderLayer(torch.nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention_norm = torch.nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm = torch.nn.LayerNorm(width)
        self.wide = torch.nn.Linear(width, 4 * width)
        self.narrow = torch.nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.attention_norm(x))
        return x + self.narrow(functional.gelu(self.wide(self.norm(x))))


class Encoder(torch.nn.Module):
    """int64 [N, 128], numbers of tokens, to float32 [N, 256], an embedding of the text."""

    TOKENS = 128
    VOCABULARY = 8192

    def __init__(self, width: int, heads: int, layers: int):
        super().__init__()
        self.tokens = torch.nn.Embedding(self.VOCABULARY, width)
        self.positions = torch.nn.Parameter(torch.randn(self.TOKENS, width) * 0.1)
        self.layers = torch.nn.Sequential(*[EncoderLayer(width, heads) for _ in range(layers)])
        self.norm = torch.nn.LayerNorm(width)
        self.head = torch.nn.Linear(width, 256)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.layers(self.tokens(tokens) + self.positions)
        return self.head(self.norm(x).mean(1)).to(torch.float)


def scale_weights(module: torch.nn.Module) -> torch.nn.Module:
    for part in module.modules():
        if isinstance(part, (torch.nn.Linear, torch.nn.Conv2d)):
            torch.nn.init.kaiming_normal_(part.weight)
            torch.nn.init.uniform_(part.bias, -0.1, 0.1)
    return module


def float_rows(length: int) -> torch.Tensor:
    return torch.rand(ROWS, length) * 2 - 1


def images() -> torch.Tensor:
    """Waves of a few pixels to the whole width, other ones in each colour of each image, and noise: noise alone looks the same everywhere."""
    at = torch.linspace(0, 6.2832, 224)
    waves = torch.rand(ROWS, 3, 6, 1, 1)
    x, y = at.view(1, 1, 1, 224), at.view(1, 1, 224, 1)
    picture = torch.sin(x * (waves[:, :, 0] * 20) + y * (waves[:, :, 1] * 20) + waves[:, :, 2] * 6.2832)
    picture = picture * waves[:, :, 3] + waves[:, :, 4] * 2 - 1 + torch.randn(ROWS, 3, 224, 224) * 0.1
    return (picture * 96 + 128).clamp(0, 255).to(torch.uint8)


def texts() -> torch.Tensor:
    """Each text draws on a few words of its own: all of many words would have the same mean."""
    words = torch.randint(Encoder.VOCABULARY, (ROWS, 12))
    return torch.gather(words, 1, torch.randint(12, (ROWS, Encoder.TOKENS)))


class Model(typing.NamedTuple):
    name: str
    small: typing.Callable[[], torch.nn.Module]
    full: typing.Callable[[], torch.nn.Module]
    rows: typing.Callable[[], torch.Tensor]
    small_batch: int
    full_batch: int
    # What a GPU computes it in.
    half: bool
    # How far an answer may be from the right one, in parts of the largest right one. Summing in another order makes some 1e-6 of it; rounding
    # to half after every layer, 5e-4.
    tolerance: float


MODELS = [
    Model("mlp", lambda: Perceptron((128, 256, 256, 10)), lambda: Perceptron((128, 256, 256, 10)), lambda: float_rows(128), 32, 128, False, 1e-4),
    Model("ranking", lambda: Perceptron((512, 256, 256, 1)), lambda: Perceptron((512, 2048, 2048, 1)), lambda: float_rows(512), 32, 256, False, 1e-4),
    Model("conv", lambda: ConvBlocks((8, 16), 1), lambda: ConvBlocks((64, 128, 256, 512), 2), images, 4, 64, True, 0.01),
    Model("encoder", lambda: Encoder(32, 2, 2), lambda: Encoder(768, 12, 6), texts, 8, 64, True, 0.01),
]

"""Torch modules, losses and data of every common kind, small enough for dense Hessians in a second."""

from collections import namedtuple

import torch
from torch import nn
from torch.nn import functional

Case = namedtuple("Case", "module loss X y")


def classes(n=11, k=3):
    return torch.arange(n) % k


def rows(n=11, d=4):
    return torch.randn(n, d)


def mlp(activation, last=3, d=4):
    return nn.Sequential(nn.Linear(d, 4), activation, nn.Linear(4, last))


class Then(nn.Module):
    """A module, what is done with its output, a linear layer."""

    def __init__(self, inner, pick, width, out=3):
        super().__init__()
        self.inner, self.pick, self.out = inner, pick, nn.Linear(width, out)

    def forward(self, *inputs, **named):
        return self.out(self.pick(self.inner(*inputs, **named)))


class Tied(nn.Module):
    """One weight under two names."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False), nn.Linear(4, 3)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.c(torch.tanh(self.b(torch.tanh(self.a(x)))))


class Shared(nn.Module):
    """One layer in two places."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.blocks, self.last = nn.ModuleList([self.first, nn.Tanh(), self.first]), nn.Linear(4, 3)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.last(x)


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self):
        super().__init__()
        self.f, self.last = mlp(nn.Tanh(), 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.last(x + self.f(x))


class Attention(nn.Module):
    """torch's attention, called directly."""

    def __init__(self):
        super().__init__()
        self.q, self.out = nn.Linear(4, 12), nn.Linear(4, 3)

    def forward(self, x):
        q, k, v = self.q(x).unflatten(-1, (3, 2, 2)).permute(2, 0, 3, 1, 4)
        return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)[:, -1])


class MakesTensors(nn.Module):
    """Its own recurrence from zeros, which are float32 by default."""

    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.RNNCell(2, 3), nn.Linear(3, 3)

    def forward(self, x):
        h = torch.zeros(len(x), 3)
        for t in range(x.shape[1] // 2):
            h = self.cell(x[:, 2 * t : 2 * t + 2], h)
        return self.out(h)


class KeepsTensor(nn.Module):
    """A tensor that is no buffer."""

    def __init__(self):
        super().__init__()
        self.turn, self.out = torch.linspace(-1, 1, 16).reshape(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(torch.tanh(x.float() @ self.turn))


class Named(nn.Module):
    """Inputs by keyword."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(2, 3)

    def forward(self, left, right, scale=1.0):
        return self.a(left) + scale * torch.tanh(self.b(right))


class OfMapping(nn.Module):
    """One input, a mapping."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 3)

    def forward(self, batch):
        return self.a(torch.tanh(batch["x"])) * batch["w"][:, None]


class Spectrum(nn.Module):
    """A Fourier transform between two layers."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(3, 3)

    def forward(self, x):
        return self.b(torch.fft.rfft(torch.tanh(self.a(x))).abs())


class Counts(nn.Module):
    """A buffer that every call changes, as an observer's."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 3)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return self.a(x)


def frozen():
    module = mlp(nn.Tanh())
    module[0].weight.requires_grad_(False)
    return module


def decay(outputs, y, parameters):
    """Cross-entropy and a weight decay."""
    return functional.cross_entropy(outputs, y) + 0.05 * sum((p**2).sum() for p in parameters.values())


def images(n=11, channels=1, side=4):
    return torch.randn(n, channels, side, side)


CE = nn.CrossEntropyLoss()
CONV = nn.Sequential


def without_second_derivative():
    """Cases that torch differentiates once only."""
    torch.manual_seed(1)
    bag = Then(nn.EmbeddingBag(5, 3, sparse=True), torch.tanh, 3)
    return {
        "bag": Case(bag, CE, classes(33, 5).reshape(11, 3).int(), classes()),
        "multi margin": Case(mlp(nn.Tanh()), nn.MultiMarginLoss(p=2), rows(), classes()),
    }


def zoo():
    """Every case by name; the same numbers each time."""
    torch.manual_seed(0)
    flat = nn.Flatten
    last_step = lambda out: out[0][:, -1]  # noqa: E731
    positive = torch.rand(11, 3)
    signs = torch.where(torch.arange(11) % 2 == 0, 1.0, -1.0)
    padding = torch.arange(5)[None] >= torch.tensor([5, 3, 4, 5, 2, 5, 4, 3, 5, 5, 4])[:, None]
    return {
        "linear": Case(nn.Linear(4, 3), CE, rows(), classes()),
        "tanh": Case(mlp(nn.Tanh()), functional.cross_entropy, rows(), classes()),
        "relu, weighted": Case(
            mlp(nn.ReLU()), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0])), rows(), classes()
        ),
        "gelu, smoothed": Case(mlp(nn.GELU()), nn.CrossEntropyLoss(label_smoothing=0.1), rows(), classes()),
        "silu, nll": Case(mlp(nn.SiLU()).append(nn.LogSoftmax(1)), nn.NLLLoss(weight=torch.ones(3)), rows(), classes()),
        "softplus, mse": Case(mlp(nn.Softplus()), nn.MSELoss(), rows(), rows(d=3)),
        "elu, huber": Case(mlp(nn.ELU()), nn.HuberLoss(), rows(), rows(d=3)),
        "prelu, smooth l1": Case(mlp(nn.PReLU()), nn.SmoothL1Loss(), rows(), rows(d=3)),
        "mish, bce": Case(mlp(nn.Mish(), 1).append(nn.Sigmoid()), nn.BCELoss(), rows(), (signs[:, None] > 0).double()),
        "celu, logits": Case(
            mlp(nn.CELU(), 1), nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0])), rows(), signs[:, None] > 0
        ),
        "logsigmoid, soft margin": Case(mlp(nn.LogSigmoid(), 1), nn.SoftMarginLoss(), rows(), signs[:, None]),
        "tanhshrink, l1": Case(mlp(nn.Tanhshrink()), nn.L1Loss(), rows(), rows(d=3)),
        "softsign, kl": Case(
            mlp(nn.Softsign()).append(nn.LogSoftmax(1)),
            nn.KLDivLoss(reduction="batchmean"),
            rows(),
            positive / positive.sum(1, keepdim=True),
        ),
        "rrelu, poisson": Case(mlp(nn.RReLU()), nn.PoissonNLLLoss(), rows(), (3 * positive).round()),
        "sum": Case(mlp(nn.Tanh()), nn.CrossEntropyLoss(reduction="sum"), rows(), classes().int()),
        "decay": Case(mlp(nn.Tanh()), decay, rows(), classes()),
        "conv2d": Case(CONV(nn.Conv2d(1, 2, 3), nn.Tanh(), flat(), nn.Linear(8, 3)), CE, images(), classes()),
        "conv1d, maxpool": Case(
            CONV(nn.Conv1d(2, 3, 2), nn.MaxPool1d(2), nn.Tanh(), flat(), nn.Linear(6, 3)),
            CE,
            torch.randn(11, 2, 5),
            classes(),
        ),
        "transposed": Case(nn.ConvTranspose2d(2, 2, 2, groups=2), nn.MSELoss(), images(5, 2, 3), images(5, 2, 4)),
        "grouped": Case(
            CONV(nn.Conv2d(2, 4, 3, groups=2), nn.Tanh(), nn.AvgPool2d(2), flat()), CE, images(11, 2), classes()
        ),
        "batch norm": Case(CONV(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3)), CE, rows(), classes()),
        "layer norm": Case(CONV(nn.Linear(4, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 3)), CE, rows(), classes()),
        "group norm": Case(
            CONV(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), flat(), nn.Linear(16, 3)), CE, images(), classes()
        ),
        "instance norm": Case(
            CONV(nn.Conv2d(1, 2, 2), nn.InstanceNorm2d(2, affine=True), nn.Tanh(), flat(), nn.Linear(18, 3)),
            CE,
            images(),
            classes(),
        ),
        "dropout": Case(
            CONV(nn.Linear(4, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 3)).train(), CE, rows(), classes()
        ),
        "embedding": Case(
            Then(nn.Embedding(5, 3), lambda e: torch.tanh(e).mean(1), 3), CE, classes(33, 5).reshape(11, 3), classes()
        ),
        "lstm": Case(Then(nn.LSTM(2, 2, batch_first=True), last_step, 2), CE, torch.randn(11, 3, 2), classes()),
        "gru": Case(Then(nn.GRU(2, 2, batch_first=True), last_step, 2), CE, torch.randn(11, 3, 2), classes()),
        "rnn": Case(Then(nn.RNN(2, 2, batch_first=True), last_step, 2), CE, torch.randn(11, 3, 2), classes()),
        "encoder layer": Case(
            Then(nn.TransformerEncoderLayer(4, 2, 4, batch_first=True), lambda out: out[:, -1], 4),
            CE,
            torch.randn(11, 5, 4),
            classes(),
        ),
        "encoder, padded": Case(
            Then(
                nn.TransformerEncoder(nn.TransformerEncoderLayer(2, 2, 2, batch_first=True), 1),
                lambda out: out.mean(1),
                2,
            ),
            CE,
            {"src": torch.randn(11, 5, 2), "src_key_padding_mask": padding},
            classes(),
        ),
        "attention": Case(Attention(), CE, torch.randn(11, 5, 4), classes()),
        "tied": Case(Tied(), CE, rows(), classes()),
        "frozen": Case(frozen(), CE, rows(), classes()),
        "shared": Case(Shared(), CE, rows(), classes()),
        "residual": Case(Residual(), CE, rows(), classes()),
        "two inputs": Case(Then(nn.Bilinear(4, 2, 3), torch.tanh, 3), CE, (rows(), rows(d=2)), classes()),
        "by name": Case(Named(), CE, {"left": rows(), "right": rows(d=2)}, classes()),
        "a mapping": Case(OfMapping(), CE, {"x": rows(), "w": torch.rand(11)}, classes()),
        "spectral norm": Case(
            CONV(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)), nn.Tanh(), nn.Linear(3, 3)),
            CE,
            rows(),
            classes(),
        ),
        "fourier": Case(Spectrum(), CE, rows(), classes()),
        "makes tensors": Case(MakesTensors(), CE, rows(), classes()),
        "keeps a tensor": Case(KeepsTensor(), CE, rows(), classes()),
        "counts": Case(Counts(), CE, rows(), classes()),
    }

"""Indices of torch modules of thirty kinds: certified and right, or refused. Oracle: differences of gradients."""

import numpy as np
import pytest

import spinscape as sp

torch = pytest.importorskip("torch")
from spinscape import networks as nn  # noqa: E402

T = torch.nn
WEIGHT_NORM = T.utils.parametrizations.weight_norm


class Wrapped(T.Module):
    """A part, and what happens to the input before and to the output after it."""

    def __init__(self, part, before=lambda x: x, after=lambda y: y, head=None):
        super().__init__()
        self.part, self.before, self.after = part, before, after
        self.head = head if head is not None else T.Identity()

    def forward(self, x):
        return self.head(self.after(self.part(self.before(x))))


class Tied(T.Module):
    def __init__(self):
        super().__init__()
        self.a, self.c = T.Linear(6, 6, bias=False), T.Linear(6, 3)

    def forward(self, x):
        return self.c(torch.tanh(self.a(torch.tanh(self.a(x)))))


class Dropped(T.Module):
    def __init__(self, training):
        super().__init__()
        self.a, self.training_too = T.Linear(6, 3), training

    def forward(self, x):
        return self.a(T.functional.dropout(x, 0.5, training=self.training_too))


class Attention(T.Module):
    """Attention as matrix products, whose double backward torch knows."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (T.Linear(2, 3) for _ in range(4))
        self.o = T.Linear(9, 3)

    def forward(self, x):
        x = x.reshape(-1, 3, 2)
        weights = torch.softmax(self.q(x) @ self.k(x).transpose(1, 2), dim=-1)
        return self.o((weights @ self.v(x)).flatten(1))


def stacked(*middle, width=4):
    return T.Sequential(T.Linear(6, width), *middle, T.Linear(width, 3))


def frozen():
    module = stacked(T.Tanh())
    module[0].weight.requires_grad_(False)
    return module


def image(x):
    return x.reshape(-1, 1, 2, 3)


def sequence(x):
    return x.reshape(-1, 3, 2)


def last(y):
    return y[0][:, -1]


def embedded(part):
    return Wrapped(part, lambda x: (x.abs() * 3).long().clamp(max=4), lambda y: y.flatten(1), T.Linear(12, 3))


KINDS = {
    "linear": lambda: T.Linear(6, 3),
    "tanh": lambda: stacked(T.Tanh()),
    "relu": lambda: stacked(T.ReLU()),
    "gelu": lambda: stacked(T.GELU()),
    "silu": lambda: stacked(T.SiLU()),
    "elu": lambda: stacked(T.ELU()),
    "softplus": lambda: stacked(T.Softplus()),
    "leaky": lambda: stacked(T.LeakyReLU()),
    "prelu": lambda: stacked(T.PReLU()),
    "glu": lambda: stacked(T.GLU(), T.Linear(2, 4)),
    "hardtanh": lambda: stacked(T.Hardtanh()),
    "conv1d": lambda: Wrapped(T.Conv1d(1, 2, 3), lambda x: x[:, None], lambda y: y.flatten(1), T.Linear(8, 3)),
    "conv2d": lambda: Wrapped(T.Conv2d(1, 2, 2), image, lambda y: torch.tanh(y).flatten(1), T.Linear(4, 3)),
    "transposed": lambda: Wrapped(
        T.ConvTranspose1d(1, 1, 2), lambda x: x[:, None], lambda y: y.flatten(1), T.Linear(7, 3)
    ),
    "max pool": lambda: Wrapped(T.MaxPool1d(2), lambda x: x[:, None], lambda y: y.flatten(1), T.Linear(3, 3)),
    "average pool": lambda: stacked(T.Tanh(), T.Unflatten(1, (1, 4)), T.AvgPool1d(2), T.Flatten(), T.Linear(2, 4)),
    "batch norm": lambda: stacked(T.BatchNorm1d(4), T.Tanh()),
    "layer norm": lambda: stacked(T.LayerNorm(4), T.Tanh()),
    "group norm": lambda: stacked(T.GroupNorm(2, 4), T.Tanh()),
    "rms norm": lambda: stacked(T.RMSNorm(4), T.Tanh()),
    "attention": Attention,
    "recurrent": lambda: Wrapped(T.RNN(2, 3, batch_first=True), sequence, last),
    "lstm": lambda: Wrapped(T.LSTM(2, 3, batch_first=True), sequence, last),
    "gru": lambda: Wrapped(T.GRU(2, 3, batch_first=True), sequence, last),
    "embedding": lambda: embedded(T.Embedding(5, 2)),
    "tied": Tied,
    "frozen": frozen,
    "dropout module": lambda: stacked(T.Dropout(0.5), T.Tanh()),
    "dropout, off": lambda: Dropped(training=False),
    "dropout in forward": lambda: Dropped(training=True),
    "weight norm": lambda: T.Sequential(WEIGHT_NORM(T.Linear(6, 4)), T.Tanh(), T.Linear(4, 3)),
    "spectral norm": lambda: T.Sequential(
        T.utils.parametrizations.spectral_norm(T.Linear(6, 4)), T.Tanh(), T.Linear(4, 3)
    ),
}
REFUSED = {"dropout in forward", "weight norm"}


def by_differences(landscape, point, h=1e-5):
    E = h * np.eye(landscape.size)
    H = (landscape.gradient(point + E) - landscape.gradient(point - E)) / (2 * h)
    return (H + H.T) / 2


def count_of(module, X, y, method):
    landscape = nn.landscape_of(module, T.CrossEntropyLoss(), X, y)
    return sp.count_index(landscape, landscape.point, method=method)


@pytest.mark.parametrize("kind", KINDS)
def test_certified_and_right_or_refused(kind):
    torch.manual_seed(0)
    X, y = torch.randn(20, 6), torch.randint(0, 3, (20,))
    if kind in REFUSED:
        for method in ("tridiagonal", "lanczos"):
            with pytest.raises(ValueError, match=r"(landscape|torch_module): expected|operator: expected a symmetric"):
                count_of(KINDS[kind](), X, y, method)
        return
    landscape = nn.landscape_of(KINDS[kind](), T.CrossEntropyLoss(), X, y)
    point = landscape.point
    values = np.linalg.eigvalsh(by_differences(landscape, point))
    count = sp.count_index(landscape, point)
    assert count.certified[0]
    assert np.abs(np.abs(values) - 1e-3).min() > 1e-7  # the differences can tell
    assert count.negative[0] == (values < -1e-3).sum()
    assert count.positive[0] == (values > 1e-3).sum()

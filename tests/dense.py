"""The dense oracle: every quantity of a form from its full tensor by einsum, one point at a time."""

import numpy as np

from spinscape import _core
from spinscape.couplings import packed_indices

LETTERS = "abcdefgh"


def symmetric_tensor(couplings, p, N):
    """The symmetric X whose packed couplings are given: J divided by its multiplicity at every ordering."""
    ranks = np.sort(np.indices((N,) * p).reshape(p, -1).T, axis=1)
    table = {tuple(row): J / _core.multiplicity(row) for row, J in zip(packed_indices(p, N), couplings, strict=True)}
    return np.array([table[tuple(row)] for row in ranks]).reshape((N,) * p)


def contract(tensor, parts, free=()):
    """Σ X w_1...w_p over all slots but the `free` ones, which stay as axes in the order given."""
    p = tensor.ndim
    slots = LETTERS[:p]
    operands = [parts[k] for k in range(p) if k not in free]
    inputs = [slots[k] for k in range(p) if k not in free]
    return np.einsum(f"{','.join([slots, *inputs])}->{''.join(slots[k] for k in free)}", tensor, *operands)


def euclidean(tensor, w, layered=False):
    """Energy, gradient and Hessian of H = n^{-(p-1)/2} Σ X w...w, by the product rule over slots."""
    p, n = tensor.ndim, tensor.shape[0]
    parts = w.reshape(p, n) if layered else np.tile(w, (p, 1))
    at = [slice(k * n, (k + 1) * n) if layered else slice(0, n) for k in range(p)]
    gradient, hessian = np.zeros(w.size), np.zeros((w.size, w.size))
    for k in range(p):
        gradient[at[k]] += contract(tensor, parts, (k,))
        for m in range(p):
            if m != k:
                hessian[at[k], at[m]] += contract(tensor, parts, (k, m))
    scale = n ** (-(p - 1) / 2)
    return scale * contract(tensor, parts), scale * gradient, scale * hessian


def spike(direction, w, strength, order):
    """Energy, gradient and Hessian of -strength D (w.v/D)^order, |v|^2 = D."""
    D = w.size
    v = direction * np.sqrt(D / (direction @ direction))
    q = w @ v / D
    second = order * (order - 1) * q ** (order - 2) / D if order > 1 else 0.0
    return -strength * D * q**order, -strength * order * q ** (order - 1) * v, -strength * second * np.outer(v, v)


def riemannian(gradient, hessian, w, spheres=1):
    """g = P∇H and P∇²HP - (w.∇H/n)P sphere by sphere, with the projector written out."""
    n = w.size // spheres
    P, shift = np.zeros((w.size, w.size)), np.zeros((w.size, w.size))
    for s in range(spheres):
        at = slice(s * n, (s + 1) * n)
        P[at, at] = np.eye(n) - np.outer(w[at], w[at]) / n
        shift[at, at] = (w[at] @ gradient[at] / n) * P[at, at]
    return P @ gradient, P @ hessian @ P - shift

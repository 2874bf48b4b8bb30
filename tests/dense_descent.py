"""The oracle of the descent tests: the papers' protocol step by step on dense tensors, one replica at a time."""

import numpy as np

from dense import contract, euclidean, riemannian, spike, symmetric_tensor
from spinscape import LayeredGlass, MixedGlass, _core


class DenseGlass:
    """Energy, Riemannian gradient and retraction of a glass from its full tensors."""

    def __init__(self, glass):
        self.layers, self.size = glass.spheres
        self.layered = isinstance(glass, LayeredGlass)
        self.spikes = glass._spikes
        xi = glass.xi if isinstance(glass, MixedGlass) else {glass.p: 1.0}
        self.terms = []
        for (p, weight), (form, _) in zip(sorted(xi.items()), glass._terms, strict=True):
            packed = form.packed()
            shape = (self.size,) * p
            tensor = packed.reshape(shape) if self.layered else symmetric_tensor(packed, p, self.size)
            self.terms.append((tensor, np.sqrt(weight) * self.size ** (-(p - 1) / 2)))

    def energy_gradient(self, w):
        energy, gradient = 0.0, np.zeros((self.layers, self.size))
        parts = w.reshape(self.layers, self.size)
        for tensor, scale in self.terms:
            slots = parts if self.layered else np.tile(w, (tensor.ndim, 1))
            for k in range(tensor.ndim):
                slope = scale * contract(tensor, slots, (k,))
                gradient[k if self.layered else 0] += slope
            energy += slope @ slots[-1]
        for direction, strength, order in self.spikes:
            value, slope, _ = spike(direction, w, strength, order)
            energy, gradient = energy + value, gradient + slope.reshape(gradient.shape)
        radial = np.sum(parts * gradient, axis=1, keepdims=True) / self.size
        return energy, (gradient - radial * parts).ravel()

    def retract(self, w):
        parts = w.reshape(self.layers, self.size)
        return (parts * np.sqrt(self.size) / np.linalg.norm(parts, axis=1, keepdims=True)).ravel()

    def step(self, w, gamma):
        return self.retract(w - gamma * self.energy_gradient(w)[1])

    def norm(self, w):
        return np.linalg.norm(self.energy_gradient(w)[1]) / np.sqrt(w.size)

    def euclidean(self, w):
        """Energy, gradient and Hessian of the energy as a function of all of space."""
        energy, gradient, hessian = 0.0, np.zeros(w.size), np.zeros((w.size, w.size))
        for tensor, scale in self.terms:
            parts = euclidean(tensor, w, self.layered)
            factor = scale * self.size ** ((tensor.ndim - 1) / 2)
            energy, gradient, hessian = (
                a + factor * b for a, b in zip((energy, gradient, hessian), parts, strict=True)
            )
        for direction, strength, order in self.spikes:
            parts = spike(direction, w, strength, order)
            energy, gradient, hessian = (a + b for a, b in zip((energy, gradient, hessian), parts, strict=True))
        return energy, gradient, hessian

    def hessian(self, w):
        _, gradient, hessian = self.euclidean(w)
        return riemannian(gradient, hessian, w, self.layers)[1]

    def tangent_basis(self, w):
        """Orthonormal columns that span the tangent space."""
        P = riemannian(np.zeros(w.size), np.eye(w.size), w, self.layers)[1]
        values, vectors = np.linalg.eigh(P)
        return vectors[:, values > 0.5]

    def project(self, w, v):
        basis = self.tangent_basis(w)
        return basis @ (basis.T @ v)


def momentum(dense, w, steps, step, mu, decay=0.0):
    """Polyak's heavy ball, the velocity carried along by projection."""
    velocity = np.zeros_like(w)
    for t in range(steps):
        gradient = dense.energy_gradient(w)[1]
        velocity = mu * dense.project(w, velocity) - step / (1 + decay * t) * gradient
        w = dense.retract(w + velocity)
    return w


def power(dense, w, steps, shift):
    """Kolda and Mayo's iteration, written with the Euclidean gradient."""
    for _ in range(steps):
        w = dense.retract(shift * w - dense.euclidean(w)[1])
    return w


def shortened(c, values, limit):
    """c/(|values| + μ) with the smallest μ >= 0 for which it is at most `limit` long, by Brent's method."""
    from scipy.optimize import brentq

    def length(mu):
        return np.linalg.norm(c / (np.abs(values) + mu)) - limit

    return c / (np.abs(values) + (brentq(length, 0, np.linalg.norm(c) / limit, xtol=1e-15) if length(0) > 0 else 0))


def saddle_free(dense, w, steps, turn=0.25, krylov=None):
    """Saddle-free Newton, from all eigenvectors or in Krylov spaces spanned by QR; returns the path."""
    path, curvature = [w], 0.0
    for _ in range(steps):
        energy, gradient = dense.energy_gradient(w)
        hessian = dense.hessian(w)
        basis = dense.tangent_basis(w)
        if krylov:
            basis, curvature = krylov_basis(hessian, gradient, w, min(krylov, w.size - dense.layers), turn, curvature)
        values, vectors = np.linalg.eigh(basis.T @ hessian @ basis)
        direction = -basis @ vectors @ shortened(vectors.T @ (basis.T @ gradient), values, turn * np.sqrt(w.size))
        fraction = 1.0
        while dense.energy_gradient(dense.retract(w + fraction * direction))[0] > (
            energy + 1e-4 * fraction * gradient @ direction + 1e-13
        ):
            fraction /= 2
        w = dense.retract(w + fraction * direction)
        path.append(w)
    return path


def krylov_basis(hessian, gradient, w, most, turn, curvature):
    """The basis at which the walk stops: at 8, 16, ... vectors with a small residual, or at the largest."""
    basis = (gradient / np.linalg.norm(gradient))[:, None]
    check = 8
    while True:
        image = hessian @ basis[:, -1]
        curvature = max(curvature, np.linalg.norm(image))
        rest = image - basis @ (basis.T @ image)
        rest -= basis @ (basis.T @ rest)
        size = basis.shape[1]
        if size == most or np.linalg.norm(rest) < 1e-12 * curvature:
            return basis, curvature
        if size >= check:
            check *= 2
            values, vectors = np.linalg.eigh(basis.T @ hessian @ basis)
            y = vectors @ shortened(vectors.T @ (basis.T @ gradient), values, turn * np.sqrt(w.size))
            forcing = np.clip(np.linalg.norm(gradient) / np.sqrt(w.size) / curvature, 1e3 * 2.0**-52, 0.1)
            if np.linalg.norm(rest) * abs(y[-1]) <= forcing * np.linalg.norm(gradient):
                return basis, curvature
        basis = np.column_stack([basis, rest / np.linalg.norm(rest)])


def steihaug(hessian, gradient, radius, target):
    """Minimiser of g.s + s.Hs/2 within a radius by truncated conjugate gradients; whether it lies on the boundary."""
    s, r, d, curvature = np.zeros_like(gradient), gradient.copy(), -gradient, 0.0
    for _ in range(2 * gradient.size + 50):
        Hd = hessian @ d
        curvature = max(curvature, abs(d @ Hd) / (d @ d))
        alpha = (r @ r) / (d @ Hd)
        if d @ Hd <= 0 or np.linalg.norm(s + alpha * d) >= radius:
            a, b, c = d @ d, 2 * s @ d, s @ s - radius**2
            return s + (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a) * d, True, curvature
        s, before, r = s + alpha * d, r @ r, r + alpha * Hd
        if np.linalg.norm(r) <= target:
            break
        d = (r @ r) / before * d - r
    return s, False, curvature


def trust_region(dense, w, accepted, radius=0.25):
    """Riemannian trust regions; returns the path of accepted points."""
    largest = radius * np.sqrt(w.size)
    limit, curvature, path, scale = largest, 0.0, [w], 0.0
    while len(path) <= accepted:
        energy, gradient = dense.energy_gradient(w)
        scale = max(scale, abs(energy))
        hessian, length = dense.hessian(w), np.linalg.norm(gradient)
        forcing = np.clip(length / np.sqrt(w.size) / curvature, 1e3 * 2.0**-52, 0.1) if curvature else 0.1
        s, at_boundary, seen = steihaug(hessian, gradient, limit, forcing * length)
        curvature = max(curvature, seen)
        model = gradient @ s + s @ hessian @ s / 2
        rounding = 1e3 * 2.0**-52 * scale
        trial = dense.retract(w + s)
        ratio = (energy - dense.energy_gradient(trial)[0] + rounding) / (rounding - model)
        if ratio < 0.25:
            limit /= 4
        elif ratio > 0.75 and at_boundary:
            limit = min(2 * limit, largest)
        if ratio > 0.1:
            w = trial
            path.append(w)
    return path


def hessian_ascent(dense, w, steps):
    """Subag's walk with exact eigenvectors; returns the points inside the sphere and the last on it."""
    N = w.size
    x = w / np.sqrt(steps)
    path = [np.zeros(N), x]
    for _ in range(steps - 1):
        _, gradient, hessian = dense.euclidean(x)
        complement = np.linalg.svd(x[None, :])[2][1:].T
        v = complement @ np.linalg.eigh(complement.T @ hessian @ complement)[1][:, 0]
        x = x - np.sign(v @ gradient) * np.sqrt(N / steps) * v
        path.append(x)
    return path


def shuffled(ranks, seed, subject, epoch):
    """Fisher and Yates, entry j against the word number j of the stream."""
    ranks = ranks.copy()
    for j in range(len(ranks) - 1, 0, -1):
        tag = (1 << 24) | (_core.Purpose.order.value << 16) | subject
        words = _core.philox4x32([j // 4, 0, epoch, tag], [seed & 0xFFFFFFFF, seed >> 32])
        k = words[j % 4] * (j + 1) >> 32
        ranks[j], ranks[k] = ranks[k], ranks[j]
    return ranks

"""The oracle of the descent tests: the papers' protocol step by step on dense tensors, one replica at a time."""

import numpy as np

from dense import contract, spike, symmetric_tensor
from spinscape import LayeredGlass, MixedGlass


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

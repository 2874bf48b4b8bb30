"""½ w·Mw + ¼ Σ w⁴ on flat space, as functions of a block: what landscapes of functions are made of in the tests."""

import numpy as np

import spinscape as sp

MATRIX = np.random.default_rng(7).normal(size=(6, 6))
MATRIX = (MATRIX + MATRIX.T) / 2


def quartic(points):
    return 0.5 * np.einsum("ri,ij,rj->r", points, MATRIX, points) + 0.25 * np.sum(points**4, axis=1)


def quartic_gradient(points):
    return points @ MATRIX + points**3


def quartic_hvp(points, vectors):
    return vectors @ MATRIX + 3 * points**2 * vectors


def quartic_hessian(points):
    return MATRIX + 3 * points[:, :, None] ** 2 * np.eye(6)


def quartic_both(points):
    return quartic(points), quartic_gradient(points)


def quartic_landscape():
    return sp.landscape_from(quartic, quartic_gradient, quartic_hvp, quartic_hessian, size=6)

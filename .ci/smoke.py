"""A wheel in an environment with nothing but its required packages: import, sample, evaluate, draw nothing."""

from importlib.util import find_spec

import numpy as np

import spinscape as sp

assert find_spec("matplotlib") is None
assert "checkout" not in sp.__file__, sp.__file__
glass = sp.PureGlass(p=3, N=30, rng=7)
w = glass.random_points(16, rng=1)
assert np.allclose(np.einsum("ri,ri->r", w, glass.euclidean_gradient(w)), 3 * glass.energy(w))
assert np.allclose(glass.hvp(w, w), 0)
sp.show_versions()

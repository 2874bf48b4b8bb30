"""Mean end energies of plain gradient descent against an independent computation at the same sizes.

The reference (numpy, plain gradient descent from uniform starts, p = 3, Gaussian couplings, many tensors) found mean u
with its standard error, and the standard deviation of u within one tensor. A mean is compared at three combined
standard errors (false alarm 0.3 % a size, for one fixed seed); the spread within a tensor, known to two digits, at
10 %.
"""

import numpy as np
import pytest

import spinscape as sp

STARTS = 32
REFERENCE = {  # N: (tensors here, mean u, its standard error, sd within a tensor)
    25: (400, -1.4577, 0.0029, 0.086),
    50: (200, -1.5150, 0.0019, 0.056),
    100: (40, -1.5569, 0.0023, 0.036),
}


@pytest.mark.slow
@pytest.mark.parametrize("N", REFERENCE)
def test_plain_gradient_descent_ends_at_the_known_energies(N):
    tensors, mean, error, spread = REFERENCE[N]
    u = np.empty((tensors, STARTS))
    for k in range(tensors):
        glass = sp.PureGlass(3, N, rng=1000 * N + k)
        run = sp.descend(glass, glass.random_points(STARTS, rng=k), step=0.1, tol=1e-4, max_steps=100_000)
        assert run.converged.all()
        u[k] = run.energy_density
    of_tensors = u.mean(axis=1)
    own_error = of_tensors.std(ddof=1) / np.sqrt(tensors)
    assert abs(of_tensors.mean() - mean) < 3 * np.hypot(own_error, error)
    within = np.sqrt(u.var(axis=1, ddof=1).mean())
    assert within == pytest.approx(spread, rel=0.1)

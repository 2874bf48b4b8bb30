"""Lanczos on a landscape's Hessian beside numpy's eigenvalues of the matrix on the tangent space."""

import numpy as np
import pytest

import spinscape as sp
from known_landscapes import MuellerBrown


def tangent_eigenvalues(landscape, point):
    """From the matrix: the radial directions removed by a frame from the singular value decomposition."""
    radial = landscape.domain.radial(point)
    frame = np.linalg.svd(radial)[2][len(radial) :] if len(radial) else np.eye(landscape.size)
    return np.linalg.eigvalsh(frame @ landscape.hessian(point[None])[0] @ frame.T)


GLASS = sp.PureGlass(3, 12, rng=0)
CASES = {
    "glass": (GLASS, GLASS.random_points(1, rng=1)[0]),
    "layered": (sp.LayeredGlass(3, 5, rng=0), sp.LayeredGlass(3, 5, rng=0).random_points(1, rng=1)[0]),
    "flat": (MuellerBrown(), np.array([-0.5, 1.0])),
}


@pytest.mark.parametrize("block_size", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_the_spectrum_of_the_hessian(case, block_size):
    landscape, point = CASES[case]
    values = tangent_eigenvalues(landscape, point)
    index = sp.lanczos_index(landscape, point, block_size=block_size, rng=0)
    assert index.negative == np.count_nonzero(values < -1e-3)
    assert index.positive == np.count_nonzero(values > 1e-3)
    assert index.certified
    count = min(3, len(values))
    low = sp.extreme_eigenvalues(landscape, point[None], count, block_size=block_size, rng=0)
    np.testing.assert_allclose(low.values, values[:count], atol=1e-8 * np.abs(values).max())
    high = sp.extreme_eigenvalues(landscape, point, 1, which="largest", rng=0)
    assert high.values[0] == pytest.approx(values[-1])
    np.testing.assert_allclose(low.vectors @ landscape.domain.radial(point).T, 0, atol=1e-8)


def test_excluded_directions_come_on_top():
    landscape, point = CASES["glass"]
    lowest = sp.extreme_eigenvalues(landscape, point, 1, rng=0)
    values = tangent_eigenvalues(landscape, point)
    rest = sp.extreme_eigenvalues(landscape, point, 1, exclude=lowest.vectors, rng=0)
    assert rest.values[0] == pytest.approx(values[1])
    counted = sp.lanczos_index(landscape, point, exclude=lowest.vectors, rng=0)
    assert counted.negative == np.count_nonzero(values < -1e-3) - 1


def test_wrong_points_are_named():
    for call in (sp.lanczos_index, sp.extreme_eigenvalues):
        with pytest.raises(ValueError, match="n: expected one point of 12 coordinates"):
            call(GLASS, np.zeros(5))
        with pytest.raises(TypeError, match="offers hvp"):
            call(sp.landscape_from(lambda w: w.sum(axis=1), np.ones_like, size=2), np.zeros(2))

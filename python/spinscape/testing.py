"""Property-based tests of landscapes and algorithms: strategies of hypothesis, and assertions.

A suite tests its own landscape at points that hypothesis looks for in three lines:

    @given(testing.points(mine))
    def test_mine(points):
        testing.check(mine, points)

The strategies need hypothesis (pip install hypothesis), which is imported when one is asked for; the assertions do not.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spinscape.couplings import Law
from spinscape.critical_points import count_index
from spinscape.descent import (
    LBFGS,
    SGD,
    DescentMethod,
    GradientDescent,
    GradientFlow,
    HessianAscent,
    Momentum,
    PowerMethod,
    SaddleFreeNewton,
    TrustRegion,
)
from spinscape.hamiltonian import Glass, LayeredGlass, MixedGlass, PureGlass
from spinscape.landscape import Domain, as_landscape, check_landscape, domain_of, offers, on_spheres, weighted_sum
from spinscape.schedules import SGDSchedule

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = [
    "assert_derivatives",
    "assert_index",
    "assert_invariant",
    "check",
    "glasses",
    "landscapes",
    "methods",
    "points",
]

_KINDS = ("pure", "mixed", "layered")
_LAWS = ("gaussian", "rademacher", "uniform", "exponential")
_DIRECTIONS = 4  # along all of which a derivative must look wrong
_LARGEST_HESSIAN = 200  # coordinates; beyond, the index is not compared with a full spectrum


# --- strategies ------------------------------------------------------------------------------------------------------


def glasses(
    kinds: Sequence[str] = _KINDS,
    *,
    orders: Sequence[int] = (2, 3, 4),
    max_size: int = 8,
    laws: Sequence[str] = _LAWS,
    dtypes: Sequence[str] = ("float64",),
    spikes: bool = True,
) -> SearchStrategy[Glass]:
    """Return a strategy of small glasses.

    kinds : of "pure", "mixed", "layered".     orders, laws, dtypes : to choose from.
    max_size : the largest N, of a layered glass the largest n.
    spikes : whether some have spikes and fields.
    """
    st = _strategies()

    def drawn(draw: Any) -> Glass:
        kind = draw(st.sampled_from(list(kinds)))
        given = {
            "rng": draw(st.integers(0, 2**32 - 1)),
            "law": draw(st.sampled_from(list(laws))),
            "dtype": draw(st.sampled_from(list(dtypes))),
        }
        size = draw(st.integers(2, max_size))
        glass: Glass
        if kind == "mixed":
            xi = draw(st.dictionaries(st.sampled_from(list(orders)), st.floats(0.1, 1.0), min_size=1))
            glass = MixedGlass(xi, size, **given)
        else:
            p = draw(st.sampled_from(list(orders)))
            glass = {"pure": PureGlass, "layered": LayeredGlass}[kind](p, size, **given)
        for _ in range(draw(st.integers(0, 2)) if spikes else 0):
            direction = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=glass.size)
            glass = glass.with_spike(direction, draw(st.floats(-2, 2)), draw(st.integers(1, 3)))
        return glass

    return st.composite(drawn)()


def points(landscape: Any, *, min_rows: int = 1, max_rows: int = 4) -> SearchStrategy[NDArray[Any]]:
    """Return a strategy of blocks of points on the landscape's domain, (rows, size), in its dtype.

    Uniform on spheres; on flat space normal, of standard deviation 0.1, 1 or 10.
    """
    st = _strategies()
    domain = domain_of(landscape)
    dtype = getattr(landscape, "dtype", np.dtype(np.float64))

    def block(rows: int, seed: int, scale: float) -> NDArray[Any]:
        drawn = domain.random_points(rows, rng=seed)
        drawn[:, domain.size - domain.flat_size :] *= scale
        return drawn.astype(dtype)

    scales = st.sampled_from([1.0, 0.1, 10.0]) if domain.flat_size else st.just(1.0)
    return st.builds(block, st.integers(min_rows, max_rows), st.integers(0, 2**32 - 1), scales)


def landscapes(*, max_size: int = 8) -> SearchStrategy[Any]:
    """Return a strategy of small landscapes: glasses, energies on flat space and on spheres, sums of them."""
    st = _strategies()

    def on_sphere(landscape: Quartic) -> Any:
        return on_spheres(landscape, landscape.size)

    def summed(glass: Glass, factor: float, seed: int) -> Any:
        return weighted_sum([glass, on_spheres(Quartic(glass.size, seed), glass.domain.sizes)], [1.0, factor])

    flat = st.builds(Quartic, st.integers(2, max_size), st.integers(0, 2**32 - 1))
    sums = st.builds(summed, glasses(max_size=max_size), st.floats(-1, 1), st.integers(0, 2**32 - 1))
    return st.one_of(glasses(max_size=max_size), flat, flat.map(on_sphere), sums)


def methods(landscape: Any = None) -> SearchStrategy[DescentMethod]:
    """Return a strategy of ways down; where a landscape is given, of those that it offers enough for."""
    st = _strategies()
    steps = st.floats(0.01, 0.3)
    kinds = [
        st.builds(GradientDescent, step=steps, decay=st.sampled_from([0.0, 0.01])),
        st.builds(Momentum, step=st.floats(0.01, 0.1), momentum=st.floats(0.0, 0.95)),
        st.builds(GradientFlow, duration=st.one_of(st.none(), st.floats(0.0, 20.0))),
        st.builds(LBFGS, step=steps, history=st.integers(1, 12)),
        st.builds(TrustRegion, radius=st.floats(0.05, 0.5)),
        st.builds(SaddleFreeNewton, hessian=st.sampled_from(["auto", "dense", "krylov"])),
        st.builds(HessianAscent, krylov=st.integers(1, 8)),
        st.builds(SGD, schedule=st.builds(SGDSchedule, parts=st.integers(1, 4)), rng=st.integers(0, 100)),
        st.just(PowerMethod()),
    ]
    if landscape is None:
        return st.one_of(kinds)
    return st.one_of(kinds).filter(lambda method: _takes(method, landscape))


def _takes(method: DescentMethod, landscape: Any) -> bool:
    if isinstance(method, SGD) and isinstance(landscape, Glass) and landscape.law != Law():
        return False  # only Gaussian couplings have independent parts
    try:
        method.check(as_landscape(landscape))
    except (TypeError, ValueError):
        return False
    return True


def _strategies() -> Any:
    try:
        from hypothesis import strategies
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ImportError("the strategies of spinscape.testing need hypothesis: pip install hypothesis") from error
    return strategies


@dataclass(frozen=True)
class Quartic:
    """Σ w_i⁴/4 + w·Aw/2 + b·w on flat space, A and b of `seed`: what `landscapes` draws from."""

    size: int
    seed: int

    @property
    def domain(self) -> Domain:
        """Flat space."""
        return Domain.flat(self.size)

    @property
    def _coefficients(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        drawn = np.random.default_rng(self.seed).normal(size=(self.size + 1, self.size))
        return (drawn[1:] + drawn[1:].T) / 2, drawn[0]

    def energy(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the energies, (rows,)."""
        A, b = self._coefficients
        quadratic = np.einsum("ri,ij,rj->r", points, A, points) / 2
        return np.asarray(np.sum(points**4, axis=1) / 4 + quadratic + np.einsum("ri,i->r", points, b))

    def gradient(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return w³ + Aw + b, (rows, size)."""
        A, b = self._coefficients
        return np.asarray(points**3 + np.einsum("ij,rj->ri", A, points) + b)

    def hvp(self, points: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (3 diag w² + A) v, (rows, size)."""
        return np.asarray(3 * points**2 * vectors + np.einsum("ij,rj->ri", self._coefficients[0], vectors))


# --- assertions ------------------------------------------------------------------------------------------------------


def check(landscape: Any, points: Any = None, *, rng: int = 0) -> None:
    """Assert what algorithms rely on at `points`, by default three random ones.

    Derivatives and symmetry; independence of the other rows and of threads; the index beside a full spectrum, where
    the landscape offers a Hessian and has at most 200 coordinates.
    """
    domain = domain_of(landscape)
    block = domain.random_points(3, rng=rng) if points is None else np.asarray(points)
    if len(block) == 0:
        return
    assert_derivatives(landscape, block, rng=rng)
    assert_invariant(landscape, block)
    if offers(as_landscape(landscape), "hvp") and domain.size <= _LARGEST_HESSIAN:
        assert_index(landscape, block)


def assert_derivatives(landscape: Any, points: Any, *, rng: int = 0) -> None:
    """Assert that gradient and Hessian are those of the energy, tangent and symmetric (`check_landscape`).

    Along an unlucky direction two terms of the Taylor remainder cancel, and its slope looks wrong. So a point fails
    only if it fails along several: a wrong derivative does.
    """
    block = np.asarray(points)
    if check_landscape(landscape, block, rng=rng).ok:
        return
    for row in range(len(block)):
        found = [check_landscape(landscape, block[[row]], rng=rng + again) for again in range(_DIRECTIONS)]
        if not any(one.ok for one in found):
            raise AssertionError(f"row {row}: " + "; ".join(found[0].problems))


def assert_invariant(landscape: Any, points: Any, *, exact: bool | None = None) -> None:
    """Assert that a row's energy and gradient depend neither on the other rows, their order, nor the threads.

    exact : to the bit; default: for glasses. Otherwise to 1e-12 of their size.
    """
    block = np.asarray(points)
    bits = isinstance(landscape, Glass) if exact is None else exact
    energies, gradients = _both(landscape, block)
    for order in ([row] for row in range(len(block))):
        _assert_same((energies[order], gradients[order]), _both(landscape, block[order]), bits, f"row {order[0]} alone")
    back = slice(None, None, -1)
    _assert_same((energies[back], gradients[back]), _both(landscape, block[back]), bits, "the rows in reverse")
    if "n_threads" in inspect.signature(landscape.gradient).parameters:
        for threads in (1, 2, 3):
            its = _both(landscape, block, n_threads=threads)
            _assert_same((energies, gradients), its, bits, f"{threads} threads")


def assert_index(landscape: Any, points: Any, *, zero_tol: float = 1e-3) -> None:
    """Assert that `count_index` counts the eigenvalues of the Hessian on the tangent space, wherever it is certified.

    The oracle is numpy's `eigvalsh` of the matrix in coordinates of that space.
    """
    called = as_landscape(landscape)
    block = np.asarray(points, dtype=np.float64)
    counted = count_index(landscape, block, zero_tol)
    hessians = np.asarray(_in_double(called).hessian(block), dtype=np.float64)
    for row, (point, hessian) in enumerate(zip(block, hessians, strict=True)):
        radial = called.domain.radial(point)
        frame = np.linalg.svd(radial)[2][len(radial) :] if len(radial) else np.eye(called.size)
        values = np.linalg.eigvalsh(frame @ hessian @ frame.T)
        zero = np.abs(values) <= zero_tol
        expected = [int(np.sum(part)) for part in ((values < 0) & ~zero, zero, (values > 0) & ~zero)]
        got = [int(part[row]) for part in (counted.negative, counted.zero, counted.positive)]
        if sum(got) != called.domain.dimension or (counted.certified[row] and got != expected):
            raise AssertionError(f"row {row}: negative, zero, positive eigenvalues {got}, expected {expected}")


def _both(landscape: Any, block: NDArray[Any], **options: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.asarray(landscape.energy(block, **options)), np.asarray(landscape.gradient(block, **options))


def _assert_same(expected: tuple[Any, Any], got: tuple[Any, Any], bits: bool, what: str) -> None:
    for name, one, other in zip(("energy", "gradient"), expected, got, strict=True):
        scale = 0.0 if bits else 1e-12 * float(np.abs(one).max(initial=0.0))
        if one.shape != other.shape or not (np.abs(one - other) <= scale).all():
            difference = np.abs(one - other).max() if one.shape == other.shape else f"shape {other.shape}"
            raise AssertionError(f"{name}: expected the same for {what}, got a difference of {difference}")


def _in_double(landscape: Any) -> Any:
    return landscape.astype("float64") if isinstance(landscape, Glass) else landscape

"""Theory and simulation share nothing but definitions; here they meet: small glasses' critical points, counted."""

import numpy as np
import pytest

import spinscape as sp
from spinscape import theory as th


def all_critical_points(glass, starts):
    """Distinct critical points and indices: Newton from many starts, ±w by parity, completeness by Morse's sum."""
    N, p = glass.N, glass.p
    found, index = np.empty((0, N)), np.empty(0, dtype=np.int64)
    for attempt in range(6):
        ends = sp.refine(glass, glass.random_points(starts, rng=attempt))
        new = ends.points[ends.converged]
        counts = sp.count_index(glass, new, zero_tol=1e-9).negative
        # H(-w) = (-1)^p H(w): -w is critical too, of the same index or of N - 1 minus it.
        found = np.concatenate([found, new, -new])
        index = np.concatenate([index, counts, counts if p % 2 == 0 else N - 1 - counts])
        _, first = np.unique(np.round(found, 5) + 0.0, axis=0, return_index=True)
        found, index = found[first], index[first]
        if np.sum((-1.0) ** index) == 1 + (-1) ** (N - 1):
            return found, index
    return None


@pytest.mark.parametrize(("N", "p", "starts"), [(2, 3, 40), (2, 4, 40), (3, 3, 80)])
def test_enumerated_critical_points_have_the_exact_mean_counts(N, p, starts):
    """120 instances; each index within 4 standard errors of ABAC's Theorem 2.1 (false alarm 6e-5 an index)."""
    instances = [all_critical_points(sp.PureGlass(p, N, rng=seed), starts) for seed in range(120)]
    assert all(instance is not None for instance in instances)
    for k in range(N):
        counts = np.array([np.sum(index == k) for _, index in instances])
        exact = np.exp(th.log_mean_critical_points(N, p, index=k))
        assert abs(counts.mean() - exact) < 4 * counts.std(ddof=1) / np.sqrt(len(counts)) + 1e-12

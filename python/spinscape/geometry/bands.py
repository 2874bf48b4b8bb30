r"""Elastic bands: blocks of paths of beads on spheres or flat space, relaxed towards minimum-energy paths.

The nudged elastic band of Henkelman and Jónsson (J. Chem. Phys. 113, 9978 (2000)) with their improved tangent and a
climbing image (Henkelman, Uberuaga, Jónsson, J. Chem. Phys. 113, 9901): a bead feels the part of -g across the path
and springs along it; the highest bead feels no spring, and -g reversed along the path, so that it climbs to a saddle.
All beads of all paths are one block of points, moved by FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)) with
a step size of each path's own: what becomes of a path does not depend on the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinscape.geometry.terrain import FloatArray, Terrain
from spinscape.landscape import Domain

# In the units of spinscape.geometry.terrain, where Hessians have eigenvalues below about 20: steps stay below 2/√20.
# FIRE's other constants are those of its paper.
_FIRST_STEP, _LARGEST_STEP, _LONGEST_MOVE = 0.1, 0.35, 0.1
_PATIENCE, _GROWTH, _CUT, _MIXING, _MIXING_DECAY = 5, 1.1, 0.5, 0.1, 0.99
_SPRING = 1.0
_RELAXED_BEFORE_CLIMBING = 60  # steps: by then the band lies along the valleys and its highest bead near a pass

_WALL = 1e100  # of energies and gradients that overflow, as between atoms that meet


@dataclass(frozen=True, eq=False)
class Units:
    """Units of length (root mean square over the coordinates) and of curvature, (paths,) each."""

    length: FloatArray
    curvature: FloatArray


@dataclass(frozen=True, eq=False)
class Bands:
    """Paths (paths, beads, D), the ends as given; energies H of the beads, steps taken.

    converged : whether the highest bead (each bead, where none climbs) has come to a force of at most tol.
    """

    path: FloatArray
    energy: FloatArray
    steps: NDArray[np.int64]
    converged: NDArray[np.bool_]


def relax(terrain: Terrain, path: FloatArray, units: Units, *, climb: bool, tol: float, max_steps: int) -> Bands:
    """Relax a block of paths, (paths, beads, D); a converged path leaves the block."""
    paths, beads, D = path.shape
    path = path.copy()
    energy = _finite(terrain.energy(path.reshape(-1, D))).reshape(paths, beads)
    steps, converged = np.zeros(paths, dtype=np.int64), np.zeros(paths, dtype=bool)
    fire = _Fire(units.length, (beads - 2, D))
    active = np.arange(paths)
    for step in range(max_steps + 1):
        inner = np.ascontiguousarray(path[active, 1:-1])
        values, gradient = terrain.energy_gradient(inner.reshape(-1, D))
        energy[active, 1:-1] = _finite(values).reshape(inner.shape[:2])
        gradient = _finite(gradient.reshape(inner.shape) / units.curvature[active, None, None])
        climbing = _climbing(energy[active]) if climb and step >= _RELAXED_BEFORE_CLIMBING else None
        force = _force(terrain.domain, path[active], energy[active], gradient, climbing)
        steps[active] = step
        converged[active] = _done(force / units.length[active, None, None], climb, climbing, tol)
        going = ~converged[active]
        if step == max_steps or not going.any():
            break
        active, inner = active[going], inner[going]
        move = fire.move(active, force[going])
        path[active, 1:-1] = terrain.domain.exp(inner, move)
        fire.velocity[active] = terrain.domain.project(path[active, 1:-1], fire.velocity[active])
    return Bands(path, energy, steps, converged)


def _finite(values: FloatArray) -> FloatArray:
    """Energies or gradients, those that overflow as walls whose squares are finite."""
    return np.clip(np.nan_to_num(values, nan=_WALL, posinf=_WALL), -_WALL, _WALL)


def peaks(energy: FloatArray) -> NDArray[np.int64]:
    """Return the beads of one path higher than both neighbours, in order; plateaus have none."""
    inner = energy[1:-1]
    found: NDArray[np.int64] = np.flatnonzero((inner > energy[:-2]) & (inner > energy[2:])) + 1
    return found


def _climbing(energy: FloatArray) -> NDArray[np.bool_]:
    """The highest inner bead of each path, where it is higher than its neighbours, (paths, beads - 2)."""
    inner = energy[:, 1:-1]
    highest = np.arange(inner.shape[1]) == np.argmax(inner, axis=1)[:, None]
    result: NDArray[np.bool_] = highest & (inner > energy[:, :-2]) & (inner > energy[:, 2:])
    return result


def _force(
    domain: Domain, path: FloatArray, energy: FloatArray, gradient: FloatArray, climbing: NDArray[np.bool_] | None
) -> FloatArray:
    """The forces on the inner beads, tangent to the domain, (paths, beads - 2, D)."""
    inner = path[:, 1:-1]
    ahead, behind = path[:, 2:] - inner, inner - path[:, :-2]
    tangent = domain.project(inner, _tangent(ahead, behind, energy))
    tangent /= np.maximum(_length(tangent), np.finfo(float).tiny)
    along = np.sum(gradient * tangent, axis=-1, keepdims=True)
    pull = _SPRING * (_length(ahead) - _length(behind))
    if climbing is not None:
        pull = np.where(climbing[..., None], along, pull)
    return (along + pull) * tangent - gradient


def _tangent(ahead: FloatArray, behind: FloatArray, energy: FloatArray) -> FloatArray:
    """Towards the higher neighbour; at extrema both neighbours, weighted so that the change is smooth."""
    rise, fall = np.diff(energy)[:, 1:], np.diff(energy)[:, :-1]
    larger, smaller = (choose(np.abs(rise), np.abs(fall)) for choose in (np.maximum, np.minimum))
    upwards, extremal = energy[:, 2:] > energy[:, :-2], rise * fall <= 0
    weight_ahead = np.where(extremal, np.where(upwards, larger, smaller), upwards)
    weight_behind = np.where(extremal, np.where(upwards, smaller, larger), ~upwards)
    return weight_ahead[..., None] * ahead + weight_behind[..., None] * behind


def _length(vectors: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.sum(vectors * vectors, axis=-1, keepdims=True)))


def _done(force: FloatArray, climb: bool, climbing: NDArray[np.bool_] | None, tol: float) -> NDArray[np.bool_]:
    size = np.sqrt(np.mean(force * force, axis=-1))
    if not climb:
        return np.asarray((size <= tol).all(axis=1))
    if climbing is None:
        return np.zeros(len(force), dtype=bool)
    # A path without a climbing bead rises or falls all the way: its beads alone decide.
    return np.asarray(np.where(climbing.any(axis=1), np.max(size * climbing, axis=1), size.max(axis=1)) <= tol)


class _Fire:
    """Velocities and step sizes of all paths; `move` advances some of them."""

    def __init__(self, length: FloatArray, shape: tuple[int, int]) -> None:
        paths = len(length)
        self.longest = _LONGEST_MOVE * length * np.sqrt(shape[1])
        self.velocity = np.zeros((paths, *shape))
        self.step = np.full(paths, _FIRST_STEP)
        self.mixing = np.full(paths, _MIXING)
        self.downhill = np.zeros(paths, dtype=np.int64)

    def move(self, active: NDArray[np.int64], force: FloatArray) -> FloatArray:
        """Return the displacements of the beads of the active paths, each at most `_LONGEST_MOVE` long."""
        velocity, dot = self.velocity[active], (force * self.velocity[active]).sum(axis=(1, 2))
        forward = dot > 0
        count = np.where(forward, self.downhill[active] + 1, 0)
        faster = count > _PATIENCE
        fresh = ~self.velocity[active].any(axis=(1, 2))
        slower = np.where(forward | fresh, 1.0, _CUT)
        self.step[active] = np.minimum(self.step[active] * np.where(faster, _GROWTH, slower), _LARGEST_STEP)
        mixing = self.mixing[active]
        speed = np.sqrt((velocity * velocity).sum(axis=(1, 2)))
        pull = np.maximum(np.sqrt((force * force).sum(axis=(1, 2))), np.finfo(float).tiny)
        turned = (1 - mixing)[:, None, None] * velocity + (mixing * speed / pull)[:, None, None] * force
        self.mixing[active] = np.where(faster, mixing * _MIXING_DECAY, np.where(forward, mixing, _MIXING))
        self.downhill[active] = count
        step = self.step[active][:, None, None]
        velocity = np.where(forward[:, None, None], turned, 0.0) + step * force
        self.velocity[active] = velocity
        move = step * velocity
        longest = self.longest[active, None, None]
        return move * np.minimum(1.0, longest / np.maximum(_length(move), np.finfo(float).tiny))

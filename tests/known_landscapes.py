"""Landscapes whose critical points are known, by closed forms or tables: what descents and searches are tested on.

Each is one class with the members of the protocol (spinscape.landscape.protocol); energies, gradients and Hessians are
closed forms, written without the package's compositions, so that those can be tested against them.
"""

from itertools import combinations
from types import MappingProxyType

import numpy as np

import spinscape as sp


class Flat:
    """What landscapes on flat space share."""

    @property
    def domain(self):
        return sp.Domain.flat(self.size)


class MuellerBrown(Flat):
    """The potential of Müller and Brown, Theor. Chim. Acta 53 (1979) 75: three minima, two saddles."""

    size = 2
    heights = np.array([-200.0, -100.0, -170.0, 15.0])
    quadratic = np.array([[-1.0, 0.0, -10.0], [-1.0, 0.0, -10.0], [-6.5, 11.0, -6.5], [0.7, 0.6, 0.7]])
    centres = np.array([[1.0, 0.0], [0.0, 0.5], [-0.5, 1.5], [-1.0, 1.0]])
    minima = np.array([[-0.558224, 1.441726], [0.623499, 0.028038], [-0.050011, 0.466694]])  # to six digits
    saddles = np.array([[-0.822002, 0.624313], [0.212487, 0.292988]])

    def _terms(self, points):
        d = points[:, None, :] - self.centres
        a, b, c = self.quadratic.T
        height = self.heights * np.exp(a * d[..., 0] ** 2 + b * d[..., 0] * d[..., 1] + c * d[..., 1] ** 2)
        slope = np.stack([2 * a * d[..., 0] + b * d[..., 1], b * d[..., 0] + 2 * c * d[..., 1]], axis=-1)
        return height, slope

    def energy(self, points):
        return self._terms(points)[0].sum(axis=1)

    def gradient(self, points):
        height, slope = self._terms(points)
        return np.einsum("rt,rti->ri", height, slope)

    def hessian(self, points):
        height, slope = self._terms(points)
        a, b, c = self.quadratic.T
        curved = np.stack([np.stack([2 * a, b], -1), np.stack([b, 2 * c], -1)], -1)
        return np.einsum("rt,rtij->rij", height, np.einsum("rti,rtj->rtij", slope, slope) + curved)


class Rosenbrock(Flat):
    """Σ 100 (x_{i+1} - x_i²)² + (1 - x_i)²: a bent valley with its lowest point at (1, ..., 1), energy 0."""

    def __init__(self, size=2):
        self.size = size
        self.minimum = np.ones(size)

    def energy(self, points):
        x, y = points[:, :-1], points[:, 1:]
        return np.sum(100 * (y - x**2) ** 2 + (1 - x) ** 2, axis=1)

    def gradient(self, points):
        x, y = points[:, :-1], points[:, 1:]
        gradient = np.zeros_like(points)
        gradient[:, :-1] += -400 * x * (y - x**2) - 2 * (1 - x)
        gradient[:, 1:] += 200 * (y - x**2)
        return gradient

    def hessian(self, points):
        hessian = np.zeros((*points.shape, self.size))
        i, x = np.arange(self.size - 1), points[:, :-1]
        hessian[:, i, i] += 1200 * x**2 - 400 * points[:, 1:] + 2
        hessian[:, i + 1, i + 1] += 200
        hessian[:, i, i + 1] = hessian[:, i + 1, i] = -400 * x
        return hessian


class Pairs:
    """Σ_{i<j} φ(|x_i - x_j|²) of points in space, one after the other; `potential` gives φ, φ', φ''."""

    def _euclidean(self, points):
        """Energies, gradients and Hessians in the surrounding space."""
        rows, n = len(points), self.size // 3
        i, j = np.triu_indices(n, 1)
        places = points.reshape(rows, n, 3)
        apart = places[:, i] - places[:, j]
        phi, slope, bend = self.potential(np.sum(apart**2, axis=-1))
        force = 2 * slope[..., None] * apart
        gradient, hessian = np.zeros((rows, n, 3)), np.zeros((rows, n, n, 3, 3))
        block = 2 * slope[..., None, None] * np.eye(3) + 4 * np.einsum("rk,rka,rkb->rkab", bend, apart, apart)
        for k, (a, b) in enumerate(zip(i, j, strict=True)):
            gradient[:, a] += force[:, k]
            gradient[:, b] -= force[:, k]
            for one, other, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
                hessian[:, one, other] += sign * block[:, k]
        hessian = hessian.transpose(0, 1, 3, 2, 4).reshape(rows, 3 * n, 3 * n)
        return phi.sum(axis=1), gradient.reshape(rows, 3 * n), hessian

    def _rotations(self, points):
        """The velocities of the three rotations about the origin, (rows, 3, size)."""
        places = points.reshape(len(points), -1, 3)
        return np.stack([np.cross(axis, places).reshape(points.shape) for axis in np.eye(3)], axis=1)


class LennardJones(Pairs, Flat):
    """A cluster of atoms, 4 Σ r^-12 - r^-6.

    Seven atoms have four minima (Zhang, arXiv:1101.0039, section 1), the lowest -16.505384 (Wales and Doye, J. Phys.
    Chem. A 101 (1997) 5111); two to four atoms sit at distance 2^{1/6} from each other with energy -1 a pair.
    """

    lowest = MappingProxyType({2: -1.0, 3: -3.0, 4: -6.0, 7: -16.505384})

    def __init__(self, atoms=7):
        self.size = 3 * atoms

    @staticmethod
    def potential(s):
        return 4 * (s**-6 - s**-3), 4 * (3 * s**-4 - 6 * s**-7), 4 * (42 * s**-8 - 12 * s**-5)

    def energy(self, points):
        return self._euclidean(points)[0]

    def gradient(self, points):
        return self._euclidean(points)[1]

    def hessian(self, points):
        return self._euclidean(points)[2]

    def zero_modes(self, points):
        """The directions of three translations and three rotations, (rows, 6, size)."""
        shifts = np.tile(np.eye(3), self.size // 3)
        return np.concatenate([np.broadcast_to(shifts, (len(points), 3, self.size)), self._rotations(points)], axis=1)


class Thomson(Pairs):
    """Charges on the unit sphere, Σ 1/|x_i - x_j| with x = w/√3: a product of spheres of three coordinates.

    Lowest energies in closed form: a triangle, a tetrahedron, a triangular bipyramid, an octahedron.
    """

    lowest = MappingProxyType(
        {2: 0.5, 3: 3**0.5, 4: 6 * (3 / 8) ** 0.5, 5: 0.5 + 6 / 2**0.5 + 3**0.5, 6: 12 / 2**0.5 + 1.5}
    )

    def __init__(self, charges=4):
        self.size = 3 * charges
        self.domain = sp.Domain.spheres((3,) * charges)

    @staticmethod
    def potential(s):
        return (3 / s) ** 0.5, -(3**0.5) / 2 * s**-1.5, 0.75 * 3**0.5 * s**-2.5

    def energy(self, points):
        return self._euclidean(points)[0]

    def gradient(self, points):
        return self.domain.project(points, self._euclidean(points)[1])

    def hessian(self, points):
        """Project on every sphere, and bend by the radial part of the gradient: P∇²EP - (w.∇E/3) P."""
        _, gradients, hessians = self._euclidean(points)
        result = []
        for w, gradient, hessian in zip(points.reshape(-1, self.size // 3, 3), gradients, hessians, strict=True):
            P, bend = np.zeros_like(hessian), np.zeros_like(hessian)
            for k, x in enumerate(w):
                at = slice(3 * k, 3 * k + 3)
                P[at, at] = np.eye(3) - np.outer(x, x) / 3
                bend[at, at] = (x @ gradient[at]) / 3 * P[at, at]
            result.append(P @ hessian @ P - bend)
        return np.array(result)

    def zero_modes(self, points):
        """The directions of the three rotations, (rows, 3, size)."""
        return self._rotations(points)


class UnequalSpheres:
    """½ Σ_s w_s·A_s w_s on spheres of any sizes and ½ b·B b in a flat remainder, with known spectra.

    Critical points are products of eigenvectors, w_s = ±√n_s v_k, and b = 0; the energy is ½ Σ n_s λ_k, the index the
    number of eigenvalues below the chosen ones (B is positive).
    """

    def __init__(self, sizes=(3, 5, 2), flat=2, rng=0):
        self.domain = sp.Domain.spheres(sizes, flat=flat)
        self.size = self.domain.size
        random = np.random.default_rng(rng)
        self.spectra = [np.sort(random.normal(size=size)) for size in sizes]
        self.bases = [np.linalg.qr(random.normal(size=(size, size)))[0] for size in sizes]
        self.matrix = np.zeros((self.size, self.size))
        begin = 0
        for values, basis in zip(self.spectra, self.bases, strict=True):
            at = slice(begin, begin + len(values))
            self.matrix[at, at] = basis @ np.diag(values) @ basis.T
            begin = at.stop
        self.matrix[begin:, begin:] = np.diag(np.linspace(0.5, 1.5, flat))
        self.lowest = 0.5 * sum(len(values) * values[0] for values in self.spectra)

    def critical_point(self, ranks):
        """The point of the eigenvectors numbered `ranks`, one a sphere: (1, size), its energy and its index."""
        parts = [np.sqrt(len(basis)) * basis[:, k] for basis, k in zip(self.bases, ranks, strict=True)]
        energy = 0.5 * sum(len(values) * values[k] for values, k in zip(self.spectra, ranks, strict=True))
        return np.concatenate([*parts, np.zeros(self.domain.flat_size)])[None], energy, sum(ranks)

    def energy(self, points):
        return 0.5 * np.einsum("ri,ri->r", points @ self.matrix, points)

    def gradient(self, points):
        return self.domain.project(points, points @ self.matrix)

    def hvp(self, points, vectors):
        tangent, forces = self.domain.project(points, vectors), points @ self.matrix
        product = self.domain.project(points, tangent @ self.matrix)
        begin = 0
        for size in self.domain.sizes:
            at = slice(begin, begin + size)
            product[:, at] -= np.sum(points[:, at] * forces[:, at], axis=1, keepdims=True) / size * tangent[:, at]
            begin = at.stop
        return product


class XYRing:
    """A ring of XY spins, -½ Σ w_i·w_{i+1} = -Σ cos(θ_i - θ_{i+1}) on n circles |w_i|² = 2.

    Twisted states θ_i = 2πk i/n have energy -n cos(2πk/n) and Hessian eigenvalues ½ cos(2πk/n) (2 - 2 cos(2πm/n)),
    m = 0..n-1: minima for |k| < n/4, with one zero mode (m = 0), the common rotation.
    """

    def __init__(self, spins=8):
        self.spins, self.size = spins, 2 * spins
        self.domain = sp.Domain.spheres((2,) * spins)

    def twisted(self, k, turn=0.0):
        """The state of k turns around the ring, (1, size)."""
        angles = 2 * np.pi * k * np.arange(self.spins) / self.spins + turn
        return np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=1).reshape(1, -1)

    def twisted_energy(self, k):
        return -self.spins * np.cos(2 * np.pi * k / self.spins)

    def twisted_spectrum(self, k):
        """The eigenvalues on the tangent space, ascending."""
        waves = 2 * np.pi * np.arange(self.spins) / self.spins
        return np.sort(np.cos(2 * np.pi * k / self.spins) * (1 - np.cos(waves)))

    def _angles(self, points):
        spins = points.reshape(len(points), self.spins, 2)
        return np.arctan2(spins[..., 1], spins[..., 0])

    def _tangents(self, points):
        """Unit tangent vectors of the circles, (rows, spins, 2)."""
        spins = points.reshape(len(points), self.spins, 2) / np.sqrt(2)
        return np.stack([-spins[..., 1], spins[..., 0]], axis=-1)

    def energy(self, points):
        angles = self._angles(points)
        return -np.cos(np.roll(angles, -1, axis=1) - angles).sum(axis=1)

    def gradient(self, points):
        """dE/dθ_i t_i/√2, for dw = √2 t dθ."""
        angles = self._angles(points)
        ahead = np.sin(np.roll(angles, -1, axis=1) - angles)
        slope = np.roll(ahead, 1, axis=1) - ahead
        return (slope[..., None] / np.sqrt(2) * self._tangents(points)).reshape(points.shape)

    def hvp(self, points, vectors):
        angles, tangents = self._angles(points), self._tangents(points)
        speeds = np.einsum("rsi,rsi->rs", tangents, vectors.reshape(tangents.shape)) / np.sqrt(2)
        stiffness = np.cos(np.roll(angles, -1, axis=1) - angles)
        ahead = stiffness * (np.roll(speeds, -1, axis=1) - speeds)
        change = np.roll(ahead, 1, axis=1) - ahead
        return (change[..., None] / np.sqrt(2) * tangents).reshape(points.shape)

    def zero_modes(self, points):
        """The direction of the common rotation, (rows, 1, size)."""
        return self._tangents(points).reshape(len(points), 1, self.size)


class MatrixFactorisation(Flat):
    """½ |UVᵀ - M|² over U (m, rank) and V (n, rank): minima where UVᵀ is the best approximation of that rank.

    Critical points keep some singular values of M: energy ½ Σ of the squares of the others; all but the best are
    saddles. A minimum has rank² zero modes, U -> U A and V -> V A^{-T}.
    """

    def __init__(self, m=4, n=3, rank=2, rng=0):
        self.m, self.n, self.rank, self.size = m, n, rank, (m + n) * rank
        random = np.random.default_rng(rng)
        left, right = (np.linalg.qr(random.normal(size=(k, min(m, n))))[0] for k in (m, n))
        self.singular = np.linspace(2.0, 0.5, min(m, n))
        self.left, self.right = left, right
        self.target = left @ np.diag(self.singular) @ right.T
        self.lowest = 0.5 * np.sum(self.singular[rank:] ** 2)

    def critical_points(self):
        """A point for each choice of `rank` or fewer singular values kept: (size,), its energy."""
        for count in range(self.rank + 1):
            for kept in combinations(range(len(self.singular)), count):
                U, V = np.zeros((self.m, self.rank)), np.zeros((self.n, self.rank))
                for column, k in enumerate(kept):
                    U[:, column] = np.sqrt(self.singular[k]) * self.left[:, k]
                    V[:, column] = np.sqrt(self.singular[k]) * self.right[:, k]
                lost = np.delete(self.singular, kept)
                yield np.concatenate([U.ravel(), V.ravel()]), 0.5 * np.sum(lost**2)

    def _parts(self, block):
        cut = self.m * self.rank
        return block[:, :cut].reshape(-1, self.m, self.rank), block[:, cut:].reshape(-1, self.n, self.rank)

    def _joined(self, U, V):
        return np.concatenate([U.reshape(len(U), -1), V.reshape(len(V), -1)], axis=1)

    def energy(self, points):
        U, V = self._parts(points)
        return 0.5 * np.sum((U @ V.transpose(0, 2, 1) - self.target) ** 2, axis=(1, 2))

    def gradient(self, points):
        U, V = self._parts(points)
        residual = U @ V.transpose(0, 2, 1) - self.target
        return self._joined(residual @ V, residual.transpose(0, 2, 1) @ U)

    def hvp(self, points, vectors):
        (U, V), (A, B) = self._parts(points), self._parts(vectors)
        residual = U @ V.transpose(0, 2, 1) - self.target
        change = A @ V.transpose(0, 2, 1) + U @ B.transpose(0, 2, 1)
        return self._joined(change @ V + residual @ B, change.transpose(0, 2, 1) @ U + residual.transpose(0, 2, 1) @ A)

    def zero_modes(self, points):
        """The directions (U A, -V Aᵀ) of the matrices A with one entry, (rows, rank², size)."""
        U, V = self._parts(points)
        modes = []
        for a in range(self.rank):
            for b in range(self.rank):
                A = np.zeros((self.rank, self.rank))
                A[a, b] = 1.0
                modes.append(self._joined(U @ A, -V @ A.T))
        return np.stack(modes, axis=1)

r"""Spherical glasses: pure, mixed and layered Hamiltonians, with fields and spikes.

Convention (docs/conventions.md): points lie on the sphere |w|^2 = N, energies are extensive,

    H_N(w) = N^{-(p-1)/2} sum_{i1..ip=1}^N X_{i1..ip} w_{i1}...w_{ip},     E[H_N(w) H_N(w')] = N (w.w'/N)^p,

and the energy density is u = H_N/N, the papers' "scaled loss" (AISTATS15). p and N are the H and Λ of that paper.
Points are blocks (replicas, N), on the sphere to 1e-4 relative; members whose name begins with `euclidean_` take any
points. Arithmetic is done in the glass's dtype; the number of threads and the way replicas are batched never change a
bit of a result.
"""

from spinscape.hamiltonian.base import Glass as Glass  # the base of all: for rooms above, not to be made
from spinscape.hamiltonian.base import pure_scale as pure_scale
from spinscape.hamiltonian.layered import LayeredGlass
from spinscape.hamiltonian.mixed import MixedGlass
from spinscape.hamiltonian.pure import PureGlass

__all__ = ["LayeredGlass", "MixedGlass", "PureGlass"]

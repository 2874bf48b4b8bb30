"""Critical points: finding them, refining them, their certified indices, and all of them where there are few.

The Riemannian Hessian of a glass on the tangent space is P∇²HP - (w.∇H/N) P (conventions: spinscape.hamiltonian). Its
number of negative eigenvalues at a critical point is the index; the radial directions, one a sphere, are no part of the
tangent space and are never counted. Everything here computes in float64, whatever the dtype of the glass: sampled
couplings are float32 numbers exactly, so the landscape is the same. A landscape of your own (spinscape.landscape) is
searched as a glass is.
"""

from spinscape.critical_points.eigenvalues import extreme_eigenvalues, lanczos_index
from spinscape.critical_points.enumeration import Enumeration, enumerate_critical_points
from spinscape.critical_points.indices import INDEX_METHODS, count_index
from spinscape.critical_points.methods import Follow, Newton, SearchMethod
from spinscape.critical_points.refinement import REFINE_METHODS, CriticalPoints, RefineStop, refine
from spinscape.critical_points.search import CriticalPointSearch, find_critical_points, find_saddles

__all__ = [
    "INDEX_METHODS",
    "REFINE_METHODS",
    "CriticalPointSearch",
    "CriticalPoints",
    "Enumeration",
    "Follow",
    "Newton",
    "RefineStop",
    "SearchMethod",
    "count_index",
    "enumerate_critical_points",
    "extreme_eigenvalues",
    "find_critical_points",
    "find_saddles",
    "lanczos_index",
    "refine",
]

"""Loss surfaces: where their points live, what they offer, how they are made and checked.

The one noun every algorithm of the package takes (docs/landscapes.md): a glass, a network's landscape, or your own.
"""

from spinscape.landscape.called import CalledLandscape, as_landscape, landscape_first, offers, on_domain, retracted
from spinscape.landscape.checking import LandscapeCheck, check_landscape
from spinscape.landscape.composed import Combinable, on_spheres, regularised, weighted_sum
from spinscape.landscape.derivatives import certified, check_products
from spinscape.landscape.distinctness import distinct
from spinscape.landscape.domain import Domain
from spinscape.landscape.functions import FunctionLandscape, landscape_from
from spinscape.landscape.hessians import hessian_at, is_landscape
from spinscape.landscape.protocol import Landscape, domain_of

__all__ = [
    "CalledLandscape",
    "Combinable",
    "Domain",
    "FunctionLandscape",
    "Landscape",
    "LandscapeCheck",
    "as_landscape",
    "certified",
    "check_landscape",
    "check_products",
    "distinct",
    "domain_of",
    "hessian_at",
    "is_landscape",
    "landscape_first",
    "landscape_from",
    "offers",
    "on_domain",
    "on_spheres",
    "regularised",
    "retracted",
    "weighted_sum",
]

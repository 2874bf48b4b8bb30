"""Loss surfaces: where their points live, what they offer, how they are made and checked.

The one noun every algorithm of the package takes (docs/landscapes.md): a glass, a network's landscape, or your own.
"""

from spinscape.landscape.called import CalledLandscape, as_landscape, landscape_first, offers, on_domain, retracted
from spinscape.landscape.domain import Domain
from spinscape.landscape.protocol import Landscape, domain_of

__all__ = [
    "CalledLandscape",
    "Domain",
    "Landscape",
    "as_landscape",
    "domain_of",
    "landscape_first",
    "offers",
    "on_domain",
    "retracted",
]

"""Layers: the energies −E_k below which large systems have no critical point of index k, for several p."""

from spinscape.experiments.exact import ORDER, theoretical
from spinscape.study.parameters import several
from spinscape.theory import tables

EXPERIMENT = theoretical(
    lambda p: tables.layer_energies(p),
    1.0,
    several(ORDER, least=1, default=(3, 4, 5, 10)),
    name="theory-layers",
    sentence="The layers E_k: lowest energies of the critical points of index k",
    source="ABAC Theorem 2.5",
)
recipe = EXPERIMENT.maker

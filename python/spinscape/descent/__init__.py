"""Descent of blocks of replicas on any landscape."""

from spinscape.descent.descending import METHODS, MethodName, descend
from spinscape.descent.method import DescentMethod
from spinscape.descent.methods import (
    LBFGS,
    GradientDescent,
    GradientFlow,
    HessianAscent,
    Momentum,
    PowerMethod,
    SaddleFreeNewton,
    TrustRegion,
)
from spinscape.descent.result import Descent
from spinscape.descent.stochastic import SGD
from spinscape.results import StopReason

__all__ = [
    "LBFGS",
    "METHODS",
    "SGD",
    "Descent",
    "DescentMethod",
    "GradientDescent",
    "GradientFlow",
    "HessianAscent",
    "MethodName",
    "Momentum",
    "PowerMethod",
    "SaddleFreeNewton",
    "StopReason",
    "TrustRegion",
    "descend",
]

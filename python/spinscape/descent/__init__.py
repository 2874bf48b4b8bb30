"""Descent of blocks of replicas on a glass."""

from spinscape.descent.descending import descend
from spinscape.descent.methods import METHODS
from spinscape.descent.result import Descent, StopReason

__all__ = ["METHODS", "Descent", "StopReason", "descend"]

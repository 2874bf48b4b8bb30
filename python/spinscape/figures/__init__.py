"""Results in hand -> matplotlib Axes: nothing in this room computes. Needs `pip install 'spinscape[study]'`."""

from typing import TYPE_CHECKING

from spinscape import lazy
from spinscape.figures.results import plot

__all__ = ["plot"]

if not TYPE_CHECKING:  # a type checker would take any name for one of the package
    __getattr__, __dir__ = lazy.attach(__name__, ("results", "style", "theory"), __all__)

"""Tables in, matplotlib Axes out: nothing in this room computes. Needs `pip install 'spinscape[study]'`."""

from typing import TYPE_CHECKING

from spinscape import lazy

if not TYPE_CHECKING:  # a type checker would take any name for one of the package
    __getattr__, __dir__ = lazy.attach(
        __name__,
        ("critical_points", "dynamics", "moments", "networks", "report", "scaled_losses", "style", "theory"),
    )

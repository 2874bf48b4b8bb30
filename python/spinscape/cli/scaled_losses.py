"""`spinscape scaled-losses` and `spinscape redraw`: run the main study, write its table, draw its figure."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spinscape.cli import experiments, networks

COMMAND = experiments.Command(
    "scaled-losses",
    "scaled_losses",
    "ScaledLosses",
    "where descents on the spin glass end, for growing N (AISTATS15 Fig. 3 left)",
    experiment="scaled-losses",
)
QUICK: Mapping[str, Any] = {
    "sizes": (25, 50, 100),
    "tensors": {25: 10, 50: 5, 100: 2},
    "starts": 288,
    "extra_starts": 48,
}
DEFAULT: Mapping[str, Any] = {"sizes": (25, 50, 100, 250), "tensors": {25: 100, 50: 50, 100: 20, 250: 3}}
FULL: Mapping[str, Any] = {
    "sizes": (25, 50, 100, 250, 500),
    "tensors": {25: 100, 50: 50, 100: 20, 250: 5, 500: 1},
}

EPILOG = """\
examples:
  spinscape scaled-losses                     N = 25, 50, 100, 250, 1000 starts each
  spinscape scaled-losses --quick             N = 25, 50, 100 with fewer starts, well under a minute
  spinscape scaled-losses --full              the papers' set, with N = 500
  spinscape scaled-losses --sizes 30,60 --starts 200 --method lbfgs
Interrupt it at any time: the same command continues where it stopped.
"""


def register(subparsers: Any) -> None:
    """Add the two commands."""
    command = subparsers.add_parser(
        COMMAND.name,
        help=COMMAND.help,
        description="Descend from random starts on spherical p-spin glasses, polish every end point, count its index, "
        "and write the figure, the table and the results file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    size = command.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a small version, well under a minute")
    size.add_argument("--full", action="store_true", help="the papers' full set, with N = 500")
    command.add_argument("--sizes", type=_integers, metavar="N,N,...", help="sizes N instead of the default ones")
    command.add_argument("--tensors", type=int, metavar="T", help="coupling tensors for every size")
    command.add_argument("--starts", type=int, metavar="R", help="starts on the first tensor of each size (1000)")
    command.add_argument("--extra-starts", type=int, metavar="R", help="starts on each further tensor (100)")
    command.add_argument("--p", type=int, metavar="P", default=3, help="order of interaction (3)")
    command.add_argument("--law", metavar="NAME", default="gaussian", help="law of the couplings (gaussian)")
    command.add_argument("--nu", type=float, help="degrees of freedom of law student-t")
    command.add_argument(
        "--method", metavar="NAME", default="sgd", help="sgd (papers' schedule), gradient, lbfgs (sgd)"
    )
    command.add_argument(
        "--parts", type=int, metavar="P", default=4, help="coupling parts in sgd; 1: full gradients (4)"
    )
    command.add_argument("--dtype", metavar="NAME", default="float32", help="arithmetic of the descent (float32)")
    command.add_argument("--rng", type=int, metavar="SEED", default=0, help="seed of the whole study (0)")
    command.add_argument("--threads", type=int, metavar="T", help="threads (all the processor quota allows)")
    experiments.add_output(command)
    command.set_defaults(run=run)

    redraw = subparsers.add_parser("redraw", help="draw the figure and table of a results file again")
    redraw.add_argument("store", type=Path, help="results file written by a command that draws")
    redraw.add_argument(
        "--glass", type=Path, metavar="FILE", help="results of scaled-losses, to draw beside those of network-losses"
    )
    experiments.add_output(redraw)
    redraw.set_defaults(run=run_redraw)


def run(arguments: argparse.Namespace) -> int:
    """Run or continue the study, then write its outputs."""
    from spinscape.study.scaled_losses import recipe

    made = recipe(**_options(arguments))
    path = arguments.out / f"scaled-losses-{made.key[:8]}.sqlite"
    return experiments.run_recipe(
        made, path, arguments.threads, lambda store: experiments.write(store, COMMAND, arguments)
    )


def run_redraw(arguments: argparse.Namespace) -> int:
    """Draw an existing results file; nothing is computed."""
    from spinscape.study import Store

    with Store(arguments.store) as store:
        experiments.write(store, experiments.command_of(store), arguments)
        if arguments.glass is not None:
            networks.write_beside_the_glass(store, arguments)
    return 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    preset = QUICK if arguments.quick else FULL if arguments.full else DEFAULT
    options = dict(preset)
    if arguments.sizes is not None:
        options["sizes"] = arguments.sizes
        options["tensors"] = {N: T for N, T in preset["tensors"].items() if N in arguments.sizes}
    if arguments.tensors is not None:
        options["tensors"] = dict.fromkeys(options["sizes"], arguments.tensors)
    for name in ("starts", "extra_starts"):
        if getattr(arguments, name) is not None:
            options[name] = getattr(arguments, name)
    for name in ("p", "law", "nu", "method", "parts", "dtype", "rng"):
        options[name] = getattr(arguments, name)
    return options


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))

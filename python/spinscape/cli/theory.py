"""The command group `spinscape theory`: the papers' theoretical figures, each with the table it is drawn from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinscape.theory.table import Table, read_table, write_table

_OUT = "spinscape-results"
_FORMATS = ("png", "pdf", "svg")
_GROUP_HELP = "draw the papers' theoretical curves, exact counts beside them"
_GROUP_TEXT = """\
Draw what theory says about the critical points of the spherical p-spin glass with N spins (for a network:
p layers, N unique weights). Every command writes a figure and the table behind it, prints their paths, and
takes between a second and a minute. u = H/N is the energy density, the papers' "scaled loss"; the index k of
a critical point is the number of its descending directions: 0 for a minimum. Energies are in the convention
E[H²] = N; those of physics papers, with E[H²] = N/2, are smaller by a factor √2."""


@dataclass(frozen=True)
class _Figure:
    """What a command draws: its parameters' defaults, and the words that explain it."""

    name: str
    orders: tuple[int, ...]
    sizes: tuple[int, ...]
    summary: str
    text: str

    @property
    def example(self) -> str:
        """A command line to start from."""
        p, N = self.orders[-1] + 1, f" --N {' '.join(str(2 * n) for n in self.sizes[:3])}" if self.sizes else ""
        return f"example: spinscape theory {self.name} --p {p}{N} --format pdf"

    def stem(self, p: Sequence[int], N: Sequence[int]) -> str:
        """File name without suffix: everything that sets the table."""
        parts = [self.name, "p" + "-".join(map(str, p))]
        return "-".join([*parts, "N" + "-".join(map(str, N))] if self.sizes else parts)


_FIGURES = (
    _Figure(
        "derivative-curves",
        (3,),
        (1000,),
        "Fig. 1 of AISTATS 2015, with the exact counts beside it",
        "The derivatives d/du exp(N Θ(u)) that AISTATS15 Fig. 1 and COLT15 Fig. 2 show (they are not numbers of\n"
        "critical points), and beside them the exact density of the mean number of critical points.",
    ),
    _Figure(
        "complexity",
        (3,),
        (),
        "Fig. 2 of AISTATS 2015: complexity of all critical points and of each index",
        "Θ_p(u), the exponential growth rate of the mean number of critical points with energy density at most u,\n"
        "and Θ_{k,p}(u), that of the critical points of index k.",
    ),
    _Figure(
        "layers",
        (3, 4, 5, 10),
        (),
        "the layers E_k: lowest energies of the critical points of index k",
        "The energies −E_k below which large systems have no critical point of index k, from the ground state −E_0\n"
        "to the threshold −E∞, for several p.",
    ),
    _Figure(
        "counts",
        (3,),
        (10, 30, 100, 300, 1000, 3000, 10000),
        "exact mean numbers of critical points against their asymptotic formulas",
        "Exact mean numbers of critical points as N grows, and the ratio of the sharp asymptotic formulas to them.",
    ),
    _Figure(
        "density",
        (3,),
        (50,),
        "where in energy the critical points of each index lie, exactly",
        "The exact mean number of critical points of index 0, 1, 2, … per unit of energy density at finite N.",
    ),
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `theory` and its commands to the parser of `spinscape`."""
    group = subparsers.add_parser("theory", help=_GROUP_HELP, description=_GROUP_TEXT, formatter_class=_Help)
    commands = group.add_subparsers(title="figures", metavar="FIGURE", required=True)
    for figure in _FIGURES:
        command = commands.add_parser(
            figure.name, help=figure.summary, description=figure.text, epilog=figure.example, formatter_class=_Help
        )
        _add_integers(
            command, "--p", figure.orders, "number of interacting spins, at least 3: the depth of the network"
        )
        if figure.sizes:
            _add_integers(
                command, "--N", figure.sizes, "number of spins, at least 2: the unique weights of the network"
            )
        _add_output(command)
        command.set_defaults(run=_run, figures=(figure,), **({} if figure.sizes else {"N": []}))
    every = commands.add_parser(
        "all",
        help="all of the above with their default parameters",
        description="Every theoretical figure with its default parameters.",
        formatter_class=_Help,
    )
    _add_output(every)
    every.set_defaults(run=_run, figures=_FIGURES, p=None, N=None)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Descriptions keep their line breaks."""


def _add_integers(command: argparse.ArgumentParser, flag: str, default: Sequence[int], meaning: str) -> None:
    """One integer, or several where the default has several."""
    several = len(default) > 1
    command.add_argument(
        flag,
        type=int,
        nargs="+" if several else 1,
        default=list(default),
        metavar=flag.removeprefix("--"),
        help=f"{meaning}{'; several' if several else ''} (default: {' '.join(map(str, default))})",
    )


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out",
        type=Path,
        default=Path(_OUT),
        metavar="DIR",
        help="folder for figure and table (default: %(default)s)",
    )
    command.add_argument(
        "--format",
        type=_formats,
        default=["png"],
        metavar="LIST",
        help="figure formats, separated by commas: png, pdf, svg (default: png)",
    )
    command.add_argument("--redraw", action="store_true", help="draw again from the table in DIR, without computing it")


def _formats(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not names or any(name not in _FORMATS for name in names):
        raise argparse.ArgumentTypeError(f"expected names from {', '.join(_FORMATS)} separated by commas, got {text!r}")
    return names


def _run(arguments: argparse.Namespace) -> int:
    """Make the figures asked for: table first, so that it is kept if drawing fails."""
    from spinscape.figures import style
    from spinscape.figures.theory import draw

    for figure in arguments.figures:
        p = arguments.p if arguments.p is not None else list(figure.orders)
        N = arguments.N if arguments.N is not None else list(figure.sizes)
        path = arguments.out / (figure.stem(p, N) + ".csv")
        if arguments.redraw:
            table = read_table(path)
        else:
            print(f"computing {path.stem} ...", file=sys.stderr)
            table = _compute(figure.name, p, N)
            print(write_table(table, path))
        for suffix in arguments.format:
            print(style.save(draw(table), path.with_suffix(f".{suffix}")))
    return 0


def _compute(name: str, p: list[int], N: list[int]) -> Table:
    from spinscape.theory import tables

    match name:
        case "derivative-curves":
            return tables.derivative_curves(p[0], N[0])
        case "complexity":
            return tables.complexity_curves(p[0])
        case "layers":
            return tables.layer_energies(p)
        case "counts":
            return tables.counts_against_size(p[0], N)
        case _:
            return tables.density_by_index(p[0], N[0])

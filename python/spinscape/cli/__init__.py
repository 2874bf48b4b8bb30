"""The `spinscape` command: thin. Each module of this room registers its commands; here they are only put together."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from spinscape import __version__
from spinscape.cli import experiments, scaled_losses, study, theory
from spinscape.cli.terminal import guarded


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every command registered."""
    parser = argparse.ArgumentParser(
        prog="spinscape",
        description="Loss surfaces and spherical spin glasses: simulations, exact theory, figures of the papers.",
    )
    parser.add_argument("--version", action="version", version=f"spinscape {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (scaled_losses, experiments, study, theory):
        command.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Bad input ends in one line on stderr and exit code 2."""
    return guarded(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except BrokenPipeError:
        raise
    except (ValueError, TypeError, MemoryError, OverflowError, OSError, ImportError) as error:
        print(f"spinscape: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("spinscape: interrupted", file=sys.stderr)
        return 130

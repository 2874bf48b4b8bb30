"""The `spinscape` command: thin. What it says of an experiment is read off the experiment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from spinscape import __version__
from spinscape.cli import experiments, study, terminal

DESCRIPTION = "Loss surfaces and spherical spin glasses: simulations, exact theory, figures of the papers."
EPILOG = (
    "`spinscape list` says what each experiment reproduces and costs; `spinscape COMMAND --help` lists its parameters."
)


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser; of the experiments, only the one that the words name is spelled out."""
    parser = argparse.ArgumentParser(prog="spinscape", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"spinscape {__version__}")
    study.add_plugins(parser)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    study.register(subparsers)
    experiments.register(subparsers, words)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Bad input ends in one line on stderr and exit code 2."""
    return terminal.guarded(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    try:
        words = study.register_plugins(sys.argv[1:] if argv is None else argv)
        arguments = parsed(words)
        return int(arguments.run(arguments))
    except BrokenPipeError:
        raise
    except (ValueError, TypeError, MemoryError, OverflowError, OSError, ImportError) as error:
        terminal.complain(f"spinscape: {error}")
        return 2
    except KeyboardInterrupt:
        terminal.complain("spinscape: interrupted")
        return 130


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Parse the words; what is unknown is named, with what it may have been meant to be."""
    parser = build_parser(words)
    command = next((word for word in words if not word.startswith("-")), None)
    known = experiments.commands(parser)
    if command is not None and command not in known:
        raise ValueError(f"there is no command {command!r}; {experiments.suggestion(command, known)}")
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        options = sorted(arguments.parser._option_string_actions)
        raise ValueError(
            f"{arguments.command}: unrecognized {unknown[0]!r}; {experiments.suggestion(unknown[0], options)}"
        )
    return arguments

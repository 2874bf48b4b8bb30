"""What is written to a terminal, a pipe or a log: any encoding, any width, nothing that steers a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

from spinscape.study.status import duration

CELLS = "  "
CLOSED_PIPE = 141  # as a shell counts the death by SIGPIPE, which ends other tools there


def guarded(command: Callable[[], int]) -> int:
    """Run a command; what the terminal cannot show is escaped, and a reader that has seen enough is no error."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, TextIOWrapper)]
    errors = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return command()
        finally:
            for stream in streams:
                stream.flush()  # here, where a closed pipe can be met; not at exit, where it would be reported
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    finally:
        for stream, before in zip(streams, errors, strict=True):
            if not stream.closed:
                stream.reconfigure(errors=before)


def say(text: str) -> None:
    """Print a text, whoever wrote what is in it."""
    print(plain(text), flush=True)


def complain(text: str) -> None:
    """Print a text to stderr."""
    print(plain(text), file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """Return a text with control characters, which can steer a terminal, as their codes; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text)


def width() -> int | None:
    """Return the columns of the terminal, None where nothing is read from a screen."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def aligned(cells: Sequence[Sequence[str]], columns: int | None = None) -> str:
    """Return cells as lines, flush right; in blocks under each other, each with the first column, to fit `columns`."""
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    blocks: list[list[int]] = [[0]]
    for k in range(1, len(widths)):
        used = sum(widths[j] + len(CELLS) for j in (*blocks[-1], k)) - len(CELLS)
        if columns is not None and used > columns and len(blocks[-1]) > 1:
            blocks.append([0])
        blocks[-1].append(k)
    texts = ["\n".join(CELLS.join(line[k].rjust(widths[k]) for k in block) for line in cells) for block in blocks]
    return "\n\n".join(texts)


@contextmanager
def progress_bar() -> Iterator[Any]:
    """A bar with an estimate on a terminal; elsewhere, and without tqdm, a line every half minute."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield Lines()
        return
    with tqdm(bar_format="{percentage:3.0f}% |{bar:30}| {elapsed} < {remaining}  {postfix}", mininterval=0.2) as bar:
        yield bar


class Lines:
    """Progress for log files: how much is done, what is left at this pace, one line every `seconds`."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.total: float | None = None
        self._every, self._text = seconds, ""
        self._done, self._before = 0.0, 0.0
        self._began = self._told = time.monotonic()

    def update(self, n: float) -> None:
        """Add n to what is done; the first call brings what was there already."""
        self._before = n if self._done == 0 else self._before
        self._done += n
        now = time.monotonic()
        if self.total and now >= self._told + self._every:
            self._told = now
            pace = (self._done - self._before) / (now - self._began)
            left = f", about {duration((self.total - self._done) / pace)} left" if pace > 0 else ""
            complain(f"{self._done / self.total:4.0%}{left}, {self._text}")

    def set_postfix_str(self, s: str) -> None:
        """Say what is being done."""
        self._text = s

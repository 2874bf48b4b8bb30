"""What a command writes to: a terminal of any encoding, or a pipe whose reader goes away."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper

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

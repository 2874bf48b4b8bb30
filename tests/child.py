"""Calls in other processes: forked children with a limit of time and memory, and fresh interpreters."""

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Under AddressSanitizer (.ci/sanitize) terabytes of addresses are reserved and freed memory is kept for a while.
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")


def run_script(script: str, seconds: float = 120) -> Any:
    """Run a script in a fresh interpreter; return the JSON it prints last."""
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def in_child(body: Callable[[], Any], seconds: float = 10, extra_bytes: int = 2 << 30) -> dict[str, Any]:
    """Return {"value": ...} (JSON) or {"error": type name, "message": ...} or {"signal": n} or {"hang": seconds}."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            outcome = _outcome(body, extra_bytes)
            os.write(writer, json.dumps(outcome).encode())
        finally:
            os._exit(0)
    os.close(writer)
    status = _wait(child, seconds)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    if status is None:
        return {"hang": seconds}
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return json.loads(text)


def _outcome(body: Callable[[], Any], extra_bytes: int) -> dict[str, Any]:
    if not SANITIZED:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + extra_bytes, now + extra_bytes))
    try:
        return {"value": body()}
    except BaseException as error:
        return {"error": type(error).__name__, "message": str(error)[:2000]}


def _wait(child: int, seconds: float) -> int | None:
    """The child's status, or None after it had to be killed."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.0005)

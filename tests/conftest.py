import os
import signal

# Before numpy is imported: idle OpenMP threads sleep instead of taking a core from the next test.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import settings

# Started with & or by a script, Python ignores SIGINT, and so would every child that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture
def available(monkeypatch):
    """A function that makes the package believe so many bytes of memory are left, however small a request is."""

    def limit(count):
        monkeypatch.setattr("spinscape.memory._SMALL", 0)
        monkeypatch.setattr("spinscape.memory.available_bytes", lambda: count)

    return limit

"""The process's torch state: chosen inside a block, put back after it.

What a caller set outside (no_grad, inference_mode, a number of threads, an attention kernel) changes no result.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def differentiating() -> Iterator[None]:
    """Gradients inside the block, whatever no_grad or inference_mode surrounds it."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def math_attention() -> Iterator[None]:
    """Attention from products and a softmax inside the block: torch's fused kernels have no second derivative.

    The choice of a kernel is the process's: hold `one_at_a_time` meanwhile.
    """
    with sdpa_kernel(SDPBackend.MATH):
        yield


class _Nesting(threading.local):
    """How deep a thread is inside `one_torch_thread`, and how many torch threads it had outside."""

    depth = 0
    outside = 1


_nesting = _Nesting()


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """One torch thread inside the block: sums have one order, and blocks of work share the processors instead."""
    if _nesting.depth == 0:
        _nesting.outside = torch.get_num_threads()
        torch.set_num_threads(1)
    _nesting.depth += 1
    try:
        yield
    finally:
        _nesting.depth -= 1
        if _nesting.depth == 0:
            torch.set_num_threads(_nesting.outside)


class StoppedError(Exception):
    """Work of a thread that was ended because another one failed or was interrupted."""


def require_running(stop: Event | None) -> None:
    """Raise StoppedError if the event is set."""
    if stop is not None and stop.is_set():
        raise StoppedError


def in_order(
    function: Callable[[Item], Result], items: list[Item], threads: int, stop: Event | None = None
) -> Iterator[Result]:
    """Yield function(item) in the order of the items, computed by Python threads with one torch thread each."""
    with one_torch_thread():
        if threads == 1 or len(items) <= 1:
            for item in items:
                require_running(stop)
                yield function(item)
            return
        with ThreadPoolExecutor(min(threads, len(items)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            # A window at a time: results that wait for their turn take memory.
            for first in range(0, len(items), threads):
                yield from list(pool.map(function, items[first : first + threads]))


class _Turns:
    """A lock that a forked child finds open, whoever held it in the parent."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def after_fork(self) -> None:
        self.lock = threading.RLock()
        # The threads of torch's pool do not survive fork(): a child that waited for them would wait for ever.
        torch.set_num_threads(1)


_turns = _Turns()
os.register_at_fork(after_in_child=_turns.after_fork)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other thread is inside: modules are evaluated with parameters swapped in."""
    with _turns.lock:
        yield

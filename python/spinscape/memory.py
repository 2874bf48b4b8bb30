"""Memory: what would not fit is refused before anything is allocated, with the bytes it needs."""

from __future__ import annotations

import resource
from pathlib import Path

# Below this no question is asked: the files read for an answer take longer than the allocation.
_SMALL = 1 << 20


def available_bytes() -> int | None:
    """Return the bytes this process may still take, or None where the system does not say.

    The smallest of: what the kernel could free, what the limits of the process's control groups leave (a container's,
    a batch system's), and what its address-space limit (ulimit -v) leaves.
    """
    candidates = [_kernel_available(), _address_space_available(), *map(_group_available, _control_groups())]
    return min((value for value in candidates if value is not None), default=None)


def require(needed: int, what: str) -> None:
    """Raise MemoryError, naming `what` and the bytes, if `needed` bytes are not available."""
    if needed < _SMALL:
        return
    available = available_bytes()
    if available is not None and needed > available:
        raise MemoryError(f"{what} needs {needed:,} bytes; {available:,} bytes are available")


def _kernel_available() -> int | None:
    kilobytes = _field(Path("/proc/meminfo"), "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def _address_space_available() -> int | None:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = _number(Path("/proc/self/statm"))
    if limit == resource.RLIM_INFINITY or pages is None:
        return None
    return max(0, limit - pages * resource.getpagesize())


def _control_groups(membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> list[Path]:
    """Return the folders of the process's memory groups and all their ancestors, any of which may set a limit."""
    folders = []
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers in ("", "memory"):  # version 2, or the memory hierarchy of version 1
            top = root / controllers
            group = top / name.lstrip("/")
            folders += [group, *(parent for parent in group.parents if parent.is_relative_to(top))]
    return folders


def _group_available(folder: Path) -> int | None:
    """What the limit leaves; file pages that nobody uses now count as free, for the kernel drops them first."""
    for limit_name, usage_name, cache_name in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, usage = _number(folder / limit_name), _number(folder / usage_name)
        if limit is not None and usage is not None:
            return max(0, limit - usage + (_field(folder / "memory.stat", cache_name) or 0))
    return None


def _number(path: Path) -> int | None:
    """The first word of a file as a number; None where there is no such file, or it says "max"."""
    try:
        return int(path.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _field(path: Path, name: str) -> int | None:
    """The number after a name at the beginning of a line."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), None)

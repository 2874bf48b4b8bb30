"""What a result depends on besides its seeds: versions, compiler, threads, instruction set."""

from __future__ import annotations

import platform

from spinscape import _core, threads

__version__ = "0.2.0.dev0"

PACKAGES = ("numpy", "scipy", "matplotlib", "tqdm", "torch")


def version_info() -> dict[str, str]:
    """Return the versions of the package, its random streams, its build and the packages it works with.

    The keys are "spinscape", "stream_version", "python", "platform", those of the build ("compiler", "openmp", "eigen",
    "level": the instruction set the kernels run on), "threads" (what n_threads=None means here) and the packages that
    are installed; none of these is imported for it.
    """
    from importlib.metadata import PackageNotFoundError, version  # 15 ms that `import spinscape` need not pay

    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "spinscape": __version__,
        **installed,
        **_core.build_info(),
        "threads": str(threads.as_threads(None)),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def show_versions() -> None:
    """Print `version_info()`, one line each: what a report of a problem should contain."""
    info = version_info()
    width = max(map(len, info))
    for name, value in info.items():
        print(f"{name:<{width}}  {value}")

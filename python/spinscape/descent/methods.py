"""The methods of descent: which arguments each takes, their defaults, and the call of the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinscape import _core
from spinscape.arrays import as_choice, as_integer, as_number
from spinscape.descent.stochastic import check_parts, core_schedule, parts_of, plan_of, require_tuples, seed_of
from spinscape.hamiltonian import Glass, PureGlass

HESSIANS = ("auto", "dense", "krylov")

_DENSE_UP_TO = 256  # coordinates: there an eigendecomposition is cheaper than a Krylov space
_MOST_KRYLOV = 10_000

Found = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Settled:
    """A method with its arguments checked.

    call : (core's glass, starts, options, progress, n_threads) -> the arrays of a `Descent`.
    vectors : numbers a replica that it keeps at work, in units of D.
    max_steps, tol : the defaults.
    most_steps : where the method ends by itself.
    """

    call: Callable[..., Found]
    vectors: int = 0
    max_steps: int = 20_000
    most_steps: int = 2**53
    tol: float = 1e-6


def settled(method: str, glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    """Check a method's arguments (None stands for one not given); those that it would ignore are refused."""
    options, settle = _METHODS[method]
    for name, value in arguments.items():
        if name not in options and value is not None:
            raise ValueError(f"{name}: expected None for method {method!r}, which does not use it, got {value!r}")
    return settle(glass, arguments, threads)


def _step(arguments: Mapping[str, Any]) -> float:
    step = arguments["step"]
    return 0.1 if step is None else as_number(step, "step", 0.0, exclusive=True)


def _decay(arguments: Mapping[str, Any]) -> float:
    decay = arguments["decay"]
    return 0.0 if decay is None else as_number(decay, "decay", 0.0)


def _gradient(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    step, decay = _step(arguments), _decay(arguments)
    return Settled(lambda core, starts, *rest: _core.descend_gradient(core, starts, step, decay, *rest), 0)


def _momentum(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    step, decay = _step(arguments), _decay(arguments)
    mu = arguments["momentum"]
    mu = 0.9 if mu is None else as_number(mu, "momentum", 0.0)
    if mu >= 1:
        raise ValueError(f"momentum: expected a number below 1, got {mu!r}")
    return Settled(lambda core, starts, *rest: _core.descend_momentum(core, starts, step, decay, mu, *rest), 2)


def _flow(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    accuracy, duration = arguments["accuracy"], arguments["duration"]
    default = 1e-6 if glass.dtype == np.float64 else 1e-4
    accuracy = default if accuracy is None else as_number(accuracy, "accuracy", 0.0, exclusive=True)
    duration = np.inf if duration is None else as_number(duration, "duration", 0.0)
    return Settled(lambda core, starts, *rest: _core.descend_flow(core, starts, accuracy, duration, *rest), 8)


def _lbfgs(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    step, history = (
        _step(arguments),
        10 if arguments["history"] is None else as_integer(arguments["history"], "history", 1, 1000),
    )
    return Settled(lambda core, starts, *rest: _core.descend_lbfgs(core, starts, step, history, *rest), 2 * history)


def _trust_region(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    radius = arguments["radius"]
    radius = 0.25 if radius is None else as_number(radius, "radius", 0.0, exclusive=True)
    return Settled(lambda core, starts, *rest: _core.descend_trust(core, starts, radius, *rest), 12, max_steps=2000)


def _saddle_free_newton(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    how = "auto" if arguments["hessian"] is None else as_choice(arguments["hessian"], "hessian", HESSIANS)
    dimension = glass.spheres[0] * glass.spheres[1]
    dense = how == "dense" or (how == "auto" and arguments["krylov"] is None and dimension <= _DENSE_UP_TO)
    if dense and arguments["krylov"] is not None:
        raise ValueError(f"krylov: expected None with hessian='dense', got {arguments['krylov']!r}")
    vectors = 64 if arguments["krylov"] is None else as_integer(arguments["krylov"], "krylov", 1, _MOST_KRYLOV)
    kept = 2 * dimension if dense else 2 * min(vectors, dimension)
    krylov = 0 if dense else vectors
    return Settled(
        lambda core, starts, *rest: _core.descend_saddle_free(core, starts, krylov, *rest), kept, max_steps=2000
    )


def _hessian_ascent(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    if glass.spheres[0] != 1:
        raise ValueError("method: 'hessian-ascent' expects a glass of one sphere, got a layered one")
    krylov = arguments["krylov"]
    krylov = 5 if krylov is None else as_integer(krylov, "krylov", 1, _MOST_KRYLOV)
    kept = 2 * min(krylov, glass.spheres[1]) + 10
    return Settled(
        lambda core, starts, *rest: _core.descend_ascent(core, starts, krylov, *rest), kept, max_steps=100, tol=0.0
    )


def _power(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    if not isinstance(glass, PureGlass) or glass._spikes:
        raise ValueError("method: 'power' expects a pure glass without spikes or fields: one symmetric tensor")
    order = glass.p
    shift = -1.0 if arguments["shift"] is None else as_number(arguments["shift"], "shift", 0.0)
    return Settled(lambda core, starts, *rest: _core.descend_power(core, starts, order, shift, *rest), 2)


def _sgd(glass: Glass, arguments: Mapping[str, Any], threads: int) -> Settled:
    gamma = None if arguments["step"] is None else _step(arguments)
    parts = arguments["parts"]
    plan = plan_of(arguments["schedule"], parts, gamma)
    seed = seed_of(glass, plan, arguments["rng"])
    if parts is not None:
        check_parts(glass, parts)
    moves = core_schedule(plan, seed)
    if plan.split == "tuples":
        require_tuples(glass)
        return Settled(
            lambda core, starts, *rest: _core.descend_tuples(core, starts, plan.parts, moves, *rest),
            max_steps=plan.steps,
            most_steps=plan.steps,
            tol=0.0,
        )

    def call(core: Any, starts: NDArray[Any], *rest: Any) -> Found:
        pieces = [part._core for part in parts_of(glass, plan, parts, seed, threads)]
        return _core.descend_schedule(core, starts, pieces, moves, *rest)

    return Settled(call, max_steps=plan.steps, most_steps=plan.steps, tol=0.0)


# The arguments that a method takes, besides those that all take.
_METHODS: dict[str, tuple[tuple[str, ...], Callable[[Glass, Mapping[str, Any], int], Settled]]] = {
    "gradient": (("step", "decay"), _gradient),
    "momentum": (("step", "decay", "momentum"), _momentum),
    "flow": (("accuracy", "duration"), _flow),
    "sgd": (("step", "schedule", "parts", "rng"), _sgd),
    "lbfgs": (("step", "history"), _lbfgs),
    "trust-region": (("radius",), _trust_region),
    "saddle-free-newton": (("hessian", "krylov"), _saddle_free_newton),
    "hessian-ascent": (("krylov",), _hessian_ascent),
    "power": (("shift",), _power),
}
METHODS = tuple(_METHODS)

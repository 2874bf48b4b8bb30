"""A valid call of every public function, constructor and method: the list comes from every `__all__`.

Arguments come from their names, for the package has one name for one thing. So a new function is in the list by itself,
or fails for want of a value here. Networks need torch and have their own.
"""

import dataclasses
import enum
import importlib
import inspect
import pkgutil
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

import spinscape as sp
from spinscape import statistics, study, theory
from spinscape.results import Result
from spinscape.study import scaled_losses
from spinscape.study.records import Record

# Of landscape and results, what is public is in spinscape itself.
LEFT_OUT = tuple(
    f"spinscape.{room}" for room in ("cli", "networks", "landscape", "results", "testing", "figures", "experiments")
)
DECLARED = {"Experiment", "ResultTable"}  # what it declares is judged by tests/experiments/test_registry.py

GLASS = sp.PureGlass(3, 6, rng=1)
POINTS = GLASS.random_points(4, rng=1)
VECTORS = np.random.default_rng(0).normal(size=POINTS.shape)
ENDS = sp.refine(GLASS, sp.descend(GLASS, GLASS.random_points(60, rng=2), method="lbfgs", tol=1e-9).points)
LOW = ENDS.points[np.unique(ENDS.energy_density.round(9), return_index=True)[1]]  # different minima
PASSES = sp.find_saddles(GLASS, 1, 3, rng=1).points
MATRIX = np.diag(np.arange(-2.0, 4.0)) + 0.1
BOWL = sp.landscape_from(lambda w: (w**2).sum(axis=1), lambda w: 2 * w, lambda w, v: 2 * v, size=6)
DYNAMICS = theory.dmft({3: 1.0}, 5.0, tol=0.1)
SCHEDULE = sp.SGDSchedule(parts=2, stages=(sp.ScheduleStage(6, 0.1, on_parts=True), sp.ScheduleStage(6, 0.1)))
RECIPE = scaled_losses.recipe(sizes=(6,), starts=4)
FOLDER = tempfile.TemporaryDirectory()
STORE, RECIPE_FILE = (str(Path(FOLDER.name) / name) for name in ("s.sqlite", "recipe.json"))
study.run(RECIPE, STORE).close()
RESULT_FILE = str(ENDS.save(Path(FOLDER.name) / "ends.npz"))
Path(RECIPE_FILE).write_text(RECIPE.canonical())
UNIT = next(iter(scaled_losses.units(RECIPE.parameters)))
RECORD = Record.sealed(RECIPE, UNIT, {"u": np.zeros(3)}, {})

# Few steps, so that no mutation asks for a long run.
VALUES = {
    **{"p": 3, "N": 6, "n": 6, "xi": {3: 0.5, 4: 0.5}, "law": "gaussian", "nu": None, "dtype": "float64", "rng": 1},
    **{"couplings_storage": "auto", "n_threads": 1, "glass": GLASS, "landscape": GLASS, "points": POINTS},
    **{"vectors": VECTORS, "count": 2, "tol": 1e-3, "max_steps": 20, "zero_tol": 1e-3, "method": "auto"},
    **{"direction": np.arange(6.0), "strength": 0.5, "order": 3, "parts": 2, "tensor": np.ones((4, 4, 4))},
    **{"packed": GLASS.couplings, "matrices": MATRIX, "operator": MATRIX, "block_size": 1, "exclude": None},
    **{"which": "smallest", "where": 6, "probes": 3, "steps": 20, "width": 0.3, "grid": 50},
    **{"a": LOW[:1], "b": LOW[1:2], "either_sign": False, "beads": 5, "bands": 1, "max_rounds": 1},
    **{"saddles": PASSES, "minima": LOW[:4], "fold": False, "through": LOW[:2], "at": np.array([0.0, 0.5])},
    **{"coordinates": np.linspace(0, 1, 4), "beta": 1.0, "betas": [0.5, 1.0, 1.5], "leapfrogs": None, "step": 0.05},
    **{"first_step": 0, "first_replica": 0, "trace_every": 5, "keep_every": 5, "swap_every": 2, "progress": None},
    **{"schedule": None, "index": 1, "energy": -1.0, "starts": None, "max_paths": 2000, "max_searches": 20},
    **{"history": None, "momentum": None, "accuracy": None, "duration": None, "radius": None, "hessian": None},
    **{"krylov": None, "shift": None, "decay": 0.0, "ladder": [1.0, 0.1], "first": 0.1, "last": 10.0, "levels": 5},
    **{"spacing": "geometric", "split": "couplings", "on_parts": False, "stages": SCHEDULE.stages},
    **{"u": -1.65, "k": 1, "below": -1.6, "above": -1.8, "per": "sphere", "log": True, "T": 0.3, "delta": 0.05},
    **{"derivative": 1, "t_max": 2.0, "start_beta": 0.0, "limit": -2.0, "start": 0.2, "y": 0.3, "x": -1.5},
    **{"samples": 2, "scale": "abac", "log_weight": lambda y: -y * y, "lower": -np.inf, "upper": np.inf},
    **{"temperature": 0.5, "eigenvalues": np.arange(3.0), "source": "abac", "target": "mehta"},
    **{"workers": 2, "slabs": 4, "executor": None, "experiment": "scaled-losses", "parameters": {"units": 2}},
    **{"q": 0.5, "i": 0, "j": 1, "t": 1.0, "s": 0.5, "low": -1.0, "high": 1.0, "name": "another", "module": "json"},
    **{"recipe": RECIPE, "unit": UNIT, "error": "why"},
    **{"text": RECIPE.canonical(), "arrays": {"u": np.zeros(3)}, "provenance": {}, "records": RECORD, "value": RECIPE},
    **{"values": np.arange(5.0), "statistic": lambda v: v.mean(axis=1)[None], "resamples": 20},
    **{"epsilon": 0.1, "default": 100, "form": ".3f"},
    **{"hits": 3, "trials": 5, "tolerance": 1e-6, "results": [ENDS[:2], ENDS[2:]]},
    **{"others": POINTS[::-1].copy(), "sizes": [3, 3], "flat": 0, "size": 6, "batched": True, "domain": GLASS.domain},
    **{"energy_gradient": None, "array": None, "energy_scale": None, "filters": None, "point": POINTS[0]},
    **{"landscapes": [GLASS, GLASS], "weights": [1.0, 0.5], "decay": 0.1, "groups": None, "row": 0, "batches": None},
    **{"flat_size": 0, "gradients": VECTORS},
    **{"store": STORE, "damaged": STORE, "path": STORE, "dynamics": DYNAMICS},
}
OWN_VALUES = {
    "descend": {"method": "gradient"},
    "landscape_from": {
        "energy": lambda w: (w**2).sum(axis=1),
        "gradient": lambda w: 2 * w,
        "hvp": lambda w, v: 2 * v,
        "domain": None,
    },
    "on_spheres": {"landscape": BOWL, "sizes": [3, 3]},
    "geodesic": {"t": np.array([0.5])},
    "log": {"name": "others", "through": None},
    "checked": {"name": "points", "value": POINTS},
    "curvature_term": {"gradients": VECTORS},
    "sample": {"method": "mala"},
    "temper": {"method": "mala"},
    "anneal": {"method": "mala", "schedule": sp.AnnealingSchedule(0.1, 10.0, steps=20, levels=5)},
    "processes": {"method": "spawn"},
    "LayeredGlass": {"n": 2},
    "packed_from_tensor": {"name": "tensor"},
    **{name: {"first": np.arange(5.0) ** 2, "second": np.arange(5.0)} for name in ("difference", "paired")},
    **{name: {"x": np.arange(5.0) ** 2, "y": np.arange(5.0)} for name in ("pearson", "spearman")},
    "spread": {"samples": [np.arange(4.0), np.arange(3.0)]},
    "Store": {"path": str(Path(FOLDER.name) / "written.sqlite")},
    "Domain": {"sizes": (6,), "flat_size": 0},
    "Law": {"name": "gaussian", "nu": None},
    "dmft": {"tol": 0.1},
    "SGDSchedule": {"order": "cyclic"},
    "split": {"parts": 2},
    "find_saddles": {"starts": None},
    "disconnectivity_tree": {
        "minima": np.array([-1.6, -1.5, -1.4]),
        "saddles": np.array([-1.3, -1.2]),
        "joins": np.array([[0, 1], [1, 2]]),
    },
    "experiment_of": {"name": "scaled-losses"},
    "export": {"path": "table.csv"},
    "from_file": {"path": RECIPE_FILE},
    "sweep": {"grid": {"p": [3, 4]}},
    "salvage": {"target": "new.sqlite"},
    "lowest_pass": {"i": 0, "j": 1},
    "LBFGS": {"history": 5},
    "Momentum": {"momentum": 0.9},
    "TrustRegion": {"radius": 0.25},
    "HessianAscent": {"krylov": 5},
    "SGD": {"parts": None, "schedule": SCHEDULE},
    "SaddleFreeNewton": {"hessian": "krylov", "krylov": 5},
    "HMC": {"leapfrogs": 2},
    "Follow": {"hessian": "dense"},
    "Newton": {"hessian": "dense"},
    "SearchMethod": {"hessian": "dense"},
    "SamplingMethod": {"step": 0.1},
    "load": {"path": RESULT_FILE},
    "save": {"path": "result.npz"},
    "to_pandas": {"points": False},
    "with_index": {"index": sp.count_index(GLASS, ENDS.points)},
    "from_tensors": {"tensors": {3: np.ones((4, 4, 4))}, "xi": {3: 0.5}},
}


OF_CLASS = {
    "MixedGlass": {"couplings": {3: GLASS.couplings}, "xi": {3: 0.5}},
    "LayeredGlass": {"points": sp.LayeredGlass(3, 2, rng=0).random_points(4, rng=0)},
}
NOT_REPEATED = {"register", "salvage", "Store.close"}  # a second call is refused
OF_AN_EXPERIMENT = {"table", "draw"}  # of a store: they read its units by their meaning


# Their methods are what the algorithms call.
OF_ALGORITHMS = (sp.DescentMethod, sp.SamplingMethod, sp.SearchMethod, statistics.Interval)


def public():
    """(name, thing) of every `__all__`, each thing once."""
    modules = [sp, *map(importlib.import_module, _module_names())]
    seen = {}
    for module in modules:
        for name in getattr(module, "__all__", ()):
            seen.setdefault(id(getattr(module, name)), (name, getattr(module, name)))
    return list(seen.values())


def _module_names():
    names = [module.name for module in pkgutil.walk_packages(sp.__path__, "spinscape.")]
    return [name for name in names if not name.startswith(LEFT_OUT) and not name.endswith("__main__")]


def arguments_of(name, function):
    """The keyword arguments of a valid call."""
    out = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD or parameter.name == "self":
            continue
        owner, _, short = name.rpartition(".")
        own = {**OWN_VALUES.get(short, {}), **OF_CLASS.get(owner, {})}
        if parameter.name in own:
            out[parameter.name] = own[parameter.name]
        elif parameter.name in VALUES:
            out[parameter.name] = VALUES[parameter.name]
        else:
            raise AssertionError(f"{name}: tests/public_calls.py has no value for its parameter {parameter.name!r}")
    return out


def invoke(function, arguments):
    """Call by keyword, but for what can only be given by position."""
    given = dict(arguments)
    parameters = inspect.signature(function).parameters.values()
    if not any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return function(**given)
    return function(*(given[p.name] for p in parameters if p.kind is not p.VAR_KEYWORD))


def _is_door(thing):
    """Whether users construct this class: no enumeration, error, protocol, or result (a dataclass without checks)."""
    if not inspect.isclass(thing) or issubclass(thing, (enum.Enum, BaseException)):
        return False
    result = dataclasses.is_dataclass(thing) and not hasattr(thing, "__post_init__")
    return not (result or getattr(thing, "_is_protocol", False) or issubclass(thing, tuple))


def _lacks_rows(thing, name):
    rows = any(field.metadata.get("row") for field in dataclasses.fields(thing)) if isinstance(thing, Result) else True
    return name == "to_pandas" and not rows


@lru_cache
def public_calls():
    """Name -> (callable, arguments): functions, constructors, and the methods of what these return."""
    doors = {
        n: (f, arguments_of(n, f)) for n, f in public() if n not in DECLARED and (inspect.isfunction(f) or _is_door(f))
    }
    objects = [GLASS, DYNAMICS, *(invoke(*call) for name, call in doors.items() if name not in NOT_REPEATED)]
    methods = {}
    known = {thing for _, thing in public() if inspect.isclass(thing) and not issubclass(thing, OF_ALGORITHMS)}
    for thing in objects:
        if type(thing) not in known or type(thing).__name__ in DECLARED:
            continue
        for name, method in inspect.getmembers(thing, inspect.ismethod):
            if not name.startswith("_") and name not in OF_AN_EXPERIMENT and not _lacks_rows(thing, name):
                methods.setdefault(f"{type(thing).__name__}.{name}", method)
    return doors | {name: (method, arguments_of(name, method)) for name, method in methods.items()}

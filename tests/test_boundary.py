"""The boundary never crashes: hostile arguments, layouts, absurd sizes.

One argument of a valid call is replaced; the call runs in a forked child with 60 s and 2 GB. It must return or raise
TypeError, ValueError, MemoryError or OverflowError with a message that begins with the name of an argument, leave its
inputs as they were, and refuse what cannot be meant. The calls are made from every `__all__` (public_calls.py).
"""

import hashlib
import os
import re
import tempfile
import time
from functools import cache, lru_cache

import numpy as np
import pytest

import spinscape as sp
from child import in_child
from public_calls import GLASS, LOW, NOT_REPEATED, POINTS, SCHEDULE, VECTORS, invoke, public_calls
from spinscape import memory, theory
from spinscape.couplings import Law, packed_indices

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

TENSOR = np.random.default_rng(0).normal(size=(4, 4, 4))


@lru_cache
def valid_calls():
    """Name -> (function, keyword arguments): all that is public, and the other ways that some of it can be called."""
    on_glass = {"landscape": GLASS, "points": POINTS, "n_threads": 1}
    descent = {**on_glass, "tol": 1e-3, "max_steps": 30, "ladder": [1.0, 0.1], "trace_every": 5}
    student = {"p": 3, "N": 6, "rng": 1, "law": "student-t", "nu": 5.0, "n_threads": 1}
    return public_calls() | {
        "PureGlass student-t": (sp.PureGlass, student),
        "from_tensor": (sp.PureGlass.from_tensor, {"tensor": TENSOR, "dtype": "float64"}),
        "descend gradient": (sp.descend, {**descent, "method": "gradient", "step": 0.1, "decay": 0.01}),
        "descend lbfgs": (sp.descend, {**descent, "method": "lbfgs", "history": 3}),
        "descend momentum": (sp.descend, {**descent, "method": "momentum", "momentum": 0.9}),
        "descend flow": (sp.descend, {**descent, "method": "flow", "accuracy": 1e-3, "duration": 2.0}),
        "descend trust-region": (sp.descend, {**descent, "method": "trust-region", "radius": 0.5}),
        "descend sgd": (sp.descend, {**descent, "method": "sgd", "schedule": SCHEDULE, "parts": None, "rng": 1}),
        "sample hmc": (sp.sample, {**on_glass, "beta": 1.0, "steps": 5, "rng": 1, "method": "hmc", "leapfrogs": 3}),
        "find_saddles starts": (sp.find_saddles, {"landscape": GLASS, "index": 1, "starts": POINTS, "max_steps": 20}),
        "complexity arrays": (theory.complexity, {"u": np.linspace(-1.7, -1.6, 3), "p": np.array([3, 4, 5])}),
        "slice_energy plane": (
            lambda through, x, y: sp.slice_energy(GLASS, through, x, y),
            {"through": LOW[:3], "x": np.linspace(0, 1, 3), "y": np.linspace(0, 1, 2)},
        ),
    }


# An argument may be blamed for another one that it has to agree with.
PARTNERS = {
    "law": {"nu"},
    "lower": {"log_weight"},
    "upper": {"log_weight"},
    "nu": {"law"},
    "points": {"vectors", "betas"},
    "p": {"packed", "N", "n", "law", "u"},
    "N": {"packed"},
    "max_steps": {"trace_every"},
    "n": {"operator"},
    **{
        "name": {"law", "experiment"},
        "x": {"coordinates", "y"},
        "y": {"coordinates"},
        "first": {"second"},
        "where": {"operator"},
        "betas": {"step"},
    },
    **{"a": {"b"}, "minima": {"joins"}, "saddles": {"joins"}, "starts": {"count"}, "beta": {"step"}},
    **{
        "steps": {"keep_every", "trace_every"},
        "u": {"p"},
        "arrays": {"results"},
        "experiment": {"recipe"},
        "value": {"points"},
        "domain": {"size"},
        "flat_size": {"flat"},
    },
    **{"start_beta": {"t_max"}},
}

SCRATCH = tempfile.TemporaryDirectory()
FILES = {"store", "path", "damaged", "target"}
FILE_ERRORS = {"FileNotFoundError", "IsADirectoryError", "FileExistsError", "OSError", "StoreError"}


class Exotic:
    """What numpy cannot take, as a torch tensor of a dtype that it does not have."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no such dtype")


SCALARS = [
    *(None, True, False, -1, 0, 1, 2, 3, 20, 21, 200, 10**9, 10**12, 2**31, 2**63, -(2**63), 2**64, 10**30),
    *(0.0, -0.0, 1.5, 2.0, float("nan"), float("inf"), -float("inf"), 1e308, 1e-320, 1 + 2j),
    *("", "3", "gaussian", "float32", "float16", ">f8", "../x", "a" * 10**5, b"x", "\x00", "student-t"),
    *([], [1], [[1.0]], [None], [[1], [1, 2]], {}, {3: 0.5}, {3: -1.0}, {"a": 1}, {2.5: 1}, {10**9: 1.0}, {3: None}),
    *((), (1, 2), {1}, object(), int, len, Ellipsis, NotImplemented, range(5), slice(3)),
    *(np.float64(3), np.int8(3), np.uint64(2**64 - 1), np.float16(2), np.longdouble(3), np.bool_(True)),
    *(np.array(3), np.array([3]), np.array(None), np.array("x"), np.datetime64("2020-01-01"), np.dtype("f4")),
    *(np.zeros((0, 6)), np.zeros((4, 6)), np.zeros((4, 5)), np.zeros((1, 2, 3)), np.broadcast_to(0.0, (10**6, 10**6))),
    *(np.broadcast_to(np.float32(1), (10**12, 6)), np.zeros(3, dtype=[("a", "f8")]), np.random.default_rng(0)),
    *(np.random.SeedSequence(1), np.random.RandomState(0), memoryview(b"abc"), bytearray(8)),
]

ARRAY_MUTATIONS = {
    "int": lambda a: a.astype(int),
    "complex": lambda a: a.astype(complex),
    "object": lambda a: a.astype(object),
    "bool": lambda a: a.astype(bool),
    "text": lambda a: a.astype(str),
    "half": lambda a: a.astype("f2"),
    "long double": lambda a: a.astype("g"),
    "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "nan": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 1, np.nan, a),
    "inf": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 1, np.inf, a),
    "huge": lambda a: a * 1e307,
    "tiny": lambda a: a * 1e-310,
    "zero": lambda a: a * 0,
    "empty": lambda a: a[:0],
    "axis more": lambda a: a[None],
    "axis less": lambda a: a[0],
    "short": lambda a: a[..., :-1],
    "long": lambda a: np.concatenate([a, a], axis=-1),
    "transposed": lambda a: a.T,
    "reversed": lambda a: a[::-1],
    "masked": lambda a: np.ma.masked_array(a, mask=a > 0),
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(map(tuple, a)) if a.ndim > 1 else tuple(a),
    "matrix": lambda a: a.view(type("Array", (np.ndarray,), {})),
    "broadcast": lambda a: np.broadcast_to(a[0], a.shape),
}


# No number, whatever is asked for: what numpy would make one of (text, None, a mask left out) is refused too.
NONSENSE = ["3", b"x", 1 + 2j, float("nan"), [[1], [1, 2]], {"a": 1}, object(), len, np.array(None), np.array("x")]
NONSENSE += [np.datetime64("2020-01-01"), np.zeros(3, dtype=[("a", "f8")]), np.ma.masked_array([1.0, 2.0], [1, 0])]
NONSENSE += [[None], Exotic(), np.array([1.0, np.nan]), True, np.array([True])]
NO_REALS = ("complex", "object", "bool", "text", "nan", "masked")


def is_numeric(value):
    """Whether a valid argument is a number or an array of them (not where a number is one choice of several)."""
    return isinstance(value, (int, float, np.ndarray)) and not isinstance(value, bool)


NO_FLAGS = ["no", b"x", 1 + 2j, float("nan"), object(), len, [1], None, np.array([True, False])]
LABELLED = [(f"{scalar!r:.60}", scalar) for scalar in SCALARS]


@cache
def mutations(call, argument):
    """(label, replacement, whether it must be refused)."""
    value = valid_calls()[call][1][argument]
    arrays = ARRAY_MUTATIONS.items() if isinstance(value, np.ndarray) else ()
    out = [(label, change(value), label in NO_REALS) for label, change in arrays]
    out += [(label, scalar, False) for label, scalar in LABELLED]
    junk = NONSENSE if is_numeric(value) else NO_FLAGS if isinstance(value, bool) else ()
    return out + [(f"{thing!r:.60}", thing, True) for thing in junk]


# What asks for minutes of work is not nonsense; it can be interrupted.
LONG = {("dmft", "t_max"), ("dmft", "tol"), ("log_mean_index_count", "N")}

# Where a number is one of several kinds of argument.
SEVERAL_KINDS = {"rng", "where", "operator", "executor", "progress", "name"}


def all_cases():
    cases = []
    for call, (_, arguments) in valid_calls().items():
        for argument in arguments:
            cases += [(call, argument, k) for k in range(len(mutations(call, argument)))]
    return cases


def digest(value):
    return hashlib.sha256(np.ascontiguousarray(value)).hexdigest() if isinstance(value, np.ndarray) else repr(value)


def outcome_of(case):
    """What a mutated call ends with: None where it returns, else the name of the error and its message."""
    call, argument, k = case
    function, valid = valid_calls()[call]
    arguments = {**valid, argument: mutations(call, argument)[k][1]}
    small = {n: a for n, a in arguments.items() if getattr(a, "nbytes", 0) < 10**6}
    before = {name: digest(value) for name, value in small.items() if not isinstance(value, np.random.Generator)}
    os.chdir(tempfile.mkdtemp(dir=SCRATCH.name))
    try:
        invoke(function, arguments)
        error = None
    except Exception as raised:
        error = type(raised).__name__, str(raised)[:300]
    changed = [name for name in before if digest(arguments[name]) != before[name]]
    return ("AssertionError", f"modified {changed}") if changed else error


def problems_with(cases):
    """What is wrong with the outcomes of mutated calls, 40 in a child; each alone where one ends the child."""
    problems = []
    for first in range(0, len(cases), 40):
        some = cases[first : first + 40]
        together = in_child(lambda some=some: [outcome_of(case) for case in some], seconds=120)
        if "value" in together:
            outcomes = together["value"]
        else:
            ends = [in_child(lambda case=case: outcome_of(case), seconds=60) for case in some]
            outcomes = [end["value"] if "value" in end else (next(iter(end)), str(end)) for end in ends]
        problems += [p for case, outcome in zip(some, outcomes, strict=True) if (p := problem_with(*case, outcome))]
    return problems


def problem_with(call, argument, k, outcome):
    label, replacement, nonsense = mutations(call, argument)[k]
    described = f"{call}({argument}={label}): {outcome}"
    if outcome is None:
        return f"accepted nonsense: {described}" if nonsense and argument not in SEVERAL_KINDS else None
    error, message = outcome
    if error in FILE_ERRORS and argument in FILES:
        return None
    if error not in {"TypeError", "ValueError", "MemoryError", "OverflowError", "QuadraticModelError", "StoreError"}:
        return described
    if error == "hang" and (call, argument) in LONG:
        return None
    if argument in ("operator", "log_weight", "xi", "progress") and callable(replacement):
        return None  # a function's own errors come through
    named = re.match(r"\w+", message)
    if named is None or named[0] not in {argument, *PARTNERS.get(argument, ())}:
        return f"does not name the argument: {described}"
    return None


def sample_of_cases(count, seed):
    cases = all_cases()
    return [cases[i] for i in np.random.default_rng(seed).permutation(len(cases))[:count]]


def test_valid_calls_are_valid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (function, arguments) in valid_calls().items():
        if name not in NOT_REPEATED:
            invoke(function, arguments)


@pytest.mark.parametrize("count", [800, pytest.param(None, marks=pytest.mark.slow)])
def test_mutated_calls_return_or_raise_a_named_error(count):
    """Some hundreds of them, or every one."""
    cases = all_cases()
    assert len(cases) > 50_000
    assert problems_with(cases if count is None else sample_of_cases(count, seed=0)) == []


# --- torch tensors ---------------------------------------------------------------------------------------------------


def tensors_for(value):
    """The same numbers as tensors: with a gradient, and in bfloat16, which numpy does not have."""
    torch = pytest.importorskip("torch")
    real = torch.tensor(np.asarray(value, dtype=np.float64), requires_grad=True)
    return [real, real * 1.0, [real], real.detach().to(torch.bfloat16)][: 2 if np.ndim(value) else 4]


def test_tensors_at_any_argument_are_values_or_named_errors():
    """Those that require a gradient, of which numpy says RuntimeError, at every argument that is numbers."""
    pytest.importorskip("torch")
    taken, problems = 0, []
    for call, (function, arguments) in valid_calls().items():
        if call in NOT_REPEATED or call.startswith(("Store", "run", "resume", "compute")) or call == "dmft":
            continue
        for argument, value in arguments.items():
            if not isinstance(value, (float, np.ndarray)):
                continue
            for tensor in tensors_for(value):
                try:
                    invoke(function, {**arguments, argument: tensor})
                    taken += 1
                except (TypeError, ValueError, MemoryError) as error:
                    if not str(error).startswith((argument, *PARTNERS.get(argument, ()))):
                        problems.append((call, argument, str(error)[:200]))
                except Exception as error:
                    problems.append((call, argument, repr(error)[:200]))
    assert not problems, problems
    assert taken > 150


@pytest.mark.parametrize("kind", ["grad", "bfloat16", "list"])
def test_tensors_give_the_values_of_their_numbers(kind):
    torch = pytest.importorskip("torch")
    points = torch.tensor(np.ones((2, 6)), requires_grad=kind == "grad")
    given = points.to(torch.bfloat16) if kind == "bfloat16" else list(points) if kind == "list" else points
    np.testing.assert_array_equal(GLASS.energy(given), GLASS.energy(np.ones((2, 6))))
    u = torch.tensor([-1.625, -1.75], requires_grad=kind == "grad")
    u = u.to(torch.bfloat16) if kind == "bfloat16" else list(u) if kind == "list" else u
    np.testing.assert_array_equal(theory.complexity(u, 3), theory.complexity([-1.625, -1.75], 3))


# --- layouts ---------------------------------------------------------------------------------------------------------


def misaligned(array):
    view = np.zeros(array.nbytes + 1, dtype=np.uint8)[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    assert not view.flags.aligned
    return view


def read_only(array):
    view = array.copy()
    view.flags.writeable = False
    return view


LAYOUTS = {
    "strided columns": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "strided rows": lambda a: np.repeat(a, 3, axis=0)[::3],
    "negative strides": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
    "fortran": np.asfortranarray,
    "byteswapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "misaligned": misaligned,
    "read-only": read_only,
    "list": lambda a: a.tolist(),
    "subclass": lambda a: a.view(type("Array", (np.ndarray,), {})),
    "wider": lambda a: a.astype("g"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_does_not_change_a_bit(layout, dtype):
    glass = GLASS.astype(dtype)
    w, v = POINTS.astype(dtype), VECTORS.astype(dtype)
    other_w, other_v = LAYOUTS[layout](w), LAYOUTS[layout](v)
    before = np.array(other_w)
    for name in ("energy", "energy_density", "euclidean_gradient", "gradient", "hessian"):
        np.testing.assert_array_equal(getattr(glass, name)(other_w), getattr(glass, name)(w))
    np.testing.assert_array_equal(glass.hvp(other_w, other_v), glass.hvp(w, v))
    np.testing.assert_array_equal(np.array(other_w), before)


def test_results_are_new_plain_arrays():
    for name in ("energy", "gradient", "hessian"):
        result = getattr(GLASS, name)(POINTS)
        assert type(result) is np.ndarray
        assert result.flags.owndata
        assert result.flags.c_contiguous
        assert not np.shares_memory(result, POINTS)


# --- absurd requests -------------------------------------------------------------------------------------------------

ABSURD = [
    (lambda: sp.PureGlass(3, 10**9, rng=0), MemoryError, "N"),
    (lambda: sp.PureGlass(4, 1000, rng=0), MemoryError, "N"),
    (lambda: sp.PureGlass(20, 10**18, rng=0), MemoryError, "N"),
    (lambda: sp.PureGlass(200, 10, rng=0), ValueError, "p"),
    (lambda: sp.PureGlass(3, -1, rng=0), ValueError, "N"),
    (lambda: sp.PureGlass(3, 10**400, rng=0), ValueError, "N"),
    (lambda: sp.PureGlass(20, 8, rng=0, law="uniform"), ValueError, "law"),
    (lambda: sp.LayeredGlass(20, 10**9, rng=0), MemoryError, "n"),
    (lambda: sp.LayeredGlass(3, 0, rng=0), ValueError, "n"),
    (lambda: sp.MixedGlass({3: 1.0, 4: 1e308}, 10**9, rng=0), MemoryError, "N"),
    (lambda: sp.MixedGlass({3: -1.0}, 5, rng=0), ValueError, "xi"),
    (lambda: GLASS.random_points(10**12), MemoryError, "count"),
    (lambda: GLASS.random_points(-1), ValueError, "count"),
    (lambda: GLASS.energy(POINTS, n_threads=10**9), ValueError, "n_threads"),
    (lambda: GLASS.energy(np.broadcast_to(1.0, (10**12, 6))), MemoryError, "points"),
    (lambda: GLASS.energy(POINTS * 1e308), ValueError, "points"),
    (lambda: GLASS.with_spike(np.ones(6), 1e309, 3), ValueError, "strength"),
    (lambda: GLASS.with_spike(np.ones(6), 1.0, 200), ValueError, "order"),
    (lambda: packed_indices(10, 10**6), MemoryError, "N"),
    (lambda: Law("student-t", 1e309), ValueError, "nu"),
]


@pytest.mark.parametrize("k", range(len(ABSURD)))
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_absurd_requests_are_refused_at_once(k):
    """Within a second of processor time, which a busy machine does not stretch."""
    request, error, argument = ABSURD[k]
    began = time.process_time()
    with pytest.raises(error, match=rf"^{argument}\b"):
        request()
    assert time.process_time() - began < 1


@pytest.mark.parametrize("factor", [2, 10, 100])
def test_multiples_of_the_memory_are_refused_with_the_bytes(factor):
    available = memory.available_bytes()
    if available is None:
        pytest.skip("this system does not say how much memory is free")
    N = round((6 * factor * available / 4) ** (1 / 3)) + 1
    with pytest.raises(MemoryError, match=rf"^N: .*N={N} needs [\d,]+ bytes; [\d,]+ bytes are available"):
        sp.PureGlass(3, N, rng=0)
    with pytest.raises(MemoryError, match=r"^count: .* needs [\d,]+ bytes"):
        GLASS.random_points(factor * available // (3 * 8 * 6) + 1)
    with pytest.raises(MemoryError, match=r"^points: .* needs [\d,]+ bytes"):
        sp.PureGlass(2, 1000, rng=0).hessian(np.ones((factor * available // (8 * 1000**2) + 1, 1000)))

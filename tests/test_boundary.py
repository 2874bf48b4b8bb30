"""The boundary never crashes: hostile arguments, layouts, absurd sizes.

One argument of a valid call is replaced; the call runs in a forked child with 10 s and 2 GB. It must return or raise
TypeError, ValueError, MemoryError or OverflowError with a message that begins with the name of an argument, and leave
its inputs as they were. A new public function gets a line in `valid_calls`.
"""

import hashlib
import re
import time

import numpy as np
import pytest

import spinscape as sp
from child import in_child
from spinscape import memory
from spinscape.couplings import Law, packed_indices

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

GLASS = sp.PureGlass(3, 6, rng=1)
POINTS = GLASS.random_points(4, rng=1)
VECTORS = np.random.default_rng(0).normal(size=POINTS.shape)
MATRIX = np.diag(np.arange(-2.0, 4.0)) + 0.1
SCHEDULE = sp.SGDSchedule(parts=2, stages=(sp.ScheduleStage(6, 0.1, on_parts=True), sp.ScheduleStage(6, 0.1)))
TENSOR = np.random.default_rng(0).normal(size=(4, 4, 4))
SAMPLED = {"rng": 1, "law": "gaussian", "nu": None, "dtype": "float64", "n_threads": 1}


def valid_calls():
    """Name -> (function, keyword arguments)."""
    at = {"points": POINTS, "n_threads": 1}
    calls = {
        "PureGlass": (sp.PureGlass, {"p": 3, "N": 6, **SAMPLED}),
        "PureGlass student-t": (sp.PureGlass, {"p": 3, "N": 6, **SAMPLED, "law": "student-t", "nu": 5.0}),
        "MixedGlass": (sp.MixedGlass, {"xi": {3: 0.5, 4: 0.5}, "N": 6, **SAMPLED}),
        "LayeredGlass": (sp.LayeredGlass, {"p": 3, "n": 4, **SAMPLED}),
        "from_tensor": (sp.PureGlass.from_tensor, {"tensor": TENSOR, "dtype": "float64"}),
        "from_couplings": (
            sp.PureGlass.from_couplings,
            {"packed": GLASS.couplings, "p": 3, "N": 6, "dtype": "float64"},
        ),
        "packed_indices": (packed_indices, {"p": 3, "N": 6}),
        "random_points": (GLASS.random_points, {"count": 3, "rng": 1}),
        "hvp": (GLASS.hvp, {**at, "vectors": VECTORS}),
        "astype": (GLASS.astype, {"dtype": "float32"}),
        "with_spike": (GLASS.with_spike, {"direction": np.arange(6.0), "strength": 0.5, "order": 3}),
        "with_field": (GLASS.with_field, {"direction": np.arange(6.0), "strength": 0.5}),
    }
    for name in ("energy", "energy_density", "euclidean_gradient", "gradient", "hessian"):
        calls[name] = (getattr(GLASS, name), at)
    return calls | algorithm_calls()


def algorithm_calls():
    """Few steps, so that no mutation asks for a long run."""
    on_landscape = {"landscape": GLASS, "points": POINTS, "n_threads": 1}
    descent = {
        "landscape": GLASS,
        "points": POINTS,
        "n_threads": 1,
        "tol": 1e-3,
        "max_steps": 30,
        "step": 0.1,
        "ladder": [1.0, 0.1],
        "trace_every": 5,
    }
    on_matrix = {"operator": MATRIX, "n": 6, "max_steps": 6, "block_size": 1, "exclude": None, "rng": 0}
    return {
        "descend gradient": (sp.descend, {**descent, "method": "gradient", "decay": 0.01}),
        "descend lbfgs": (sp.descend, {**descent, "method": "lbfgs", "history": 3}),
        "descend sgd": (sp.descend, {**descent, "method": "sgd", "schedule": SCHEDULE, "parts": None, "rng": 1}),
        "SGDSchedule": (sp.SGDSchedule, {"parts": 2, "order": "cyclic", "stages": SCHEDULE.stages}),
        "ScheduleStage": (sp.ScheduleStage, {"steps": 5, "step": 0.1, "decay": 0.1, "on_parts": True}),
        "split": (GLASS.split, {"parts": 2, "rng": 1, "n_threads": 1}),
        "refine": (sp.refine, {**on_landscape, "tol": 1e-10, "max_steps": 5, "method": "auto"}),
        "count_index": (sp.count_index, {**on_landscape, "zero_tol": 1e-3, "method": "auto"}),
        "matrix_index": (sp.matrix_index, {"matrices": MATRIX, "zero_tol": 1e-3, "n_threads": 1}),
        "lanczos_index": (sp.lanczos_index, {**on_matrix, "zero_tol": 1e-3}),
        "extreme_eigenvalues": (sp.extreme_eigenvalues, {**on_matrix, "count": 2, "which": "smallest", "tol": 1e-8}),
    }


# An argument may be blamed for another one that it has to agree with.
PARTNERS = {
    "law": {"nu"},
    "nu": {"law"},
    "points": {"vectors"},
    "p": {"packed", "N", "n", "law"},
    "N": {"packed"},
    "max_steps": {"trace_every"},
    "n": {"operator"},
}

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


def mutations(value):
    if isinstance(value, np.ndarray):
        return [*ARRAY_MUTATIONS.items(), *enumerate(SCALARS)]
    return list(enumerate(SCALARS))


def all_cases():
    cases = []
    for call, (_, arguments) in valid_calls().items():
        for argument, value in arguments.items():
            cases += [(call, argument, k) for k in range(len(mutations(value)))]
    return cases


def digest(value):
    return hashlib.sha256(np.ascontiguousarray(value)).hexdigest() if isinstance(value, np.ndarray) else repr(value)


def problem_with(call, argument, k):
    """Run one mutated call in a child; return what is wrong with its outcome, or None."""
    function, valid = valid_calls()[call]
    label, mutation = mutations(valid[argument])[k]

    def body():
        arguments = dict(valid)
        arguments[argument] = mutation(valid[argument]) if isinstance(label, str) else mutation
        small = {n: a for n, a in arguments.items() if getattr(a, "nbytes", 0) < 10**6}
        before = {name: digest(value) for name, value in small.items() if not isinstance(value, np.random.Generator)}
        try:
            function(**arguments)
        finally:
            changed = [name for name in before if digest(arguments[name]) != before[name]]
            if changed:
                raise AssertionError(f"modified {changed}")

    outcome = in_child(body)
    described = f"{call}({argument}={label if isinstance(label, str) else repr(mutation)[:80]}): {outcome}"
    if outcome == {"value": None}:
        return None
    if outcome.get("error") not in {"TypeError", "ValueError", "MemoryError", "OverflowError"}:
        return described
    if argument == "operator" and callable(mutation):
        return None  # an operator's own errors come through
    named = re.match(r"\w+", outcome["message"])
    if named is None or named[0] not in {argument, *PARTNERS.get(argument, ())}:
        return f"does not name the argument: {described}"
    return None


def sample_of_cases(count, seed):
    cases = all_cases()
    return [cases[i] for i in np.random.default_rng(seed).permutation(len(cases))[:count]]


def test_valid_calls_are_valid():
    for function, arguments in valid_calls().values():
        function(**arguments)


def test_mutated_calls_return_or_raise_a_named_error():
    assert [p for case in sample_of_cases(300, seed=0) if (p := problem_with(*case))] == []


@pytest.mark.slow
def test_all_mutated_calls_return_or_raise_a_named_error():
    cases = all_cases()
    assert len(cases) >= 1000
    assert [p for case in cases if (p := problem_with(*case))] == []


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

"""Every public callable of `networks`, from its `__all__`, with one argument replaced by something hostile.

It returns, or raises a typed error that names an argument; what was passed is not changed. So a new function is in the
list by itself, or fails for want of a value here.
"""

import copy
import inspect
import re
import warnings

import numpy as np
import pytest

from spinscape import networks as nn
from spinscape.networks.refinement import refined_networks

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:refine_networks goes:DeprecationWarning")

ARCHITECTURE = nn.Architecture((4, 3, 3))
ONE_OUTPUT = nn.Architecture((4, 3, 1))
DATA = nn.gaussian_blobs(4, 3, 30, 20, rng=0)
X, Y = DATA.train_inputs.astype(float), DATA.train_targets.copy()
LANDSCAPE = nn.NetworkLandscape(ARCHITECTURE, "cross-entropy", X, Y)
MODULE, LOSS = torch.nn.Linear(4, 3), torch.nn.CrossEntropyLoss()
OF_MODULE = nn.landscape_of(MODULE, LOSS, X, Y)
TRAINING, COOLING = nn.Training(epochs=1), nn.Cooling(sweeps=2)
POINTS = ARCHITECTURE.initial(2, rng=0)
ENSEMBLE = nn.train_ensemble(ARCHITECTURE, DATA, 2, training=TRAINING, rng=1)
REFINED = refined_networks(LANDSCAPE, POINTS, max_steps=1)

VALUES = {
    **{"widths": (4, 3, 3), "activation": "relu", "biases": True, "residual": False, "init": "cube", "scale": 0.5},
    **{"count": 2, "first": 0, "rng": 1, "inputs": 4, "layer": 0, "classes": 3, "name": "a", "positive": [0]},
    **{"train": 5, "test": 5, "images": np.ones((3, 6, 6)), "side": 3, "method": "area", "separation": 1.0, "sd": 1.0},
    **{"means": np.eye(2), "labels": [0, 1], "noise": 0.1, "sha256": None, "verify": False, "folder": "nowhere"},
    **{"train_inputs": X, "train_targets": Y, "test_inputs": X, "test_targets": Y, "epoch": 1, "sweep": 1},
    **{"optimiser": "sgd", "rate": 0.1, "decay": 0.1, "batch": 5, "epochs": 1, "momentum": 0.9, "gradient_tol": 0.0},
    **{"sweeps": 2, "hot": 0.1, "cold": 0.01, "step": 0.1, "levels": (0, 1), "cooling": COOLING, "training": TRAINING},
    **{"architecture": ARCHITECTURE, "data": DATA, "loss": "cross-entropy", "start": POINTS, "chunk": 2},
    **{"dtype": "float32", "n_threads": 1, "progress": None, "X": X, "y": Y, "points": POINTS, "vectors": POINTS},
    **{"parameters": POINTS, "s": 2, "epsilon": 0.1, "landscape": LANDSCAPE, "tol": 1e-3, "max_steps": 2, "seed": 0},
    **{"torch_module": MODULE, "module": MODULE, "batch_norm": "running", "networks": range(2)},
}
OWN_VALUES = {
    "sign_agreement": {
        **{"architecture": ONE_OUTPUT, "inputs": X, "first": np.ones(ONE_OUTPUT.parameters)},
        "second": np.zeros(ONE_OUTPUT.parameters),
    },
    "to_torch": {"parameters": POINTS[0]},
    "outputs_of": {"parameters": POINTS[0], "inputs": X},
    "to_pandas": {"points": False},
    "landscape_of": {"loss": LOSS, "chunk": None},
    "TorchLandscape": {"loss": LOSS, "chunk": None},
    "refine_networks": {"method": "lbfgs"},
    "TorchLandscape.": {"points": OF_MODULE.point, "vectors": OF_MODULE.point, "point": OF_MODULE.point[0]},
}
RESULTS = {"Ensemble", "RefinedNetworks"}  # made by the package, not by users
INTERNAL = {"drawn"}  # what the package itself calls

HOSTILE = [
    *[None, "no", b"x", -1, -5, 0, 2.5, 1e308, np.nan, np.inf, 1j, 10**30, 10**15, True, object(), {}, lambda: 0],
    *[[], [[]], [1, [2, 3]], (1, 2, 3), np.array(3), np.array([1, 2]), np.array([1.0, np.nan]), np.array(["a"])],
    *[np.array([1j]), np.array([None]), np.zeros((2, 3, 4)), np.zeros((0, 4)), np.ma.masked_array([1.0, 2.0], [1, 0])],
    *["float16", X[None], X.astype(complex), POINTS.astype(complex), POINTS * np.inf, torch.zeros(3).to_sparse()],
]
LONG = {"sweeps", "epochs", "max_steps", "epoch", "sweep"}  # 10^15 of them can be meant


def arguments_of(name, function, owner=""):
    out = {}
    for parameter in inspect.signature(function).parameters.values():
        own = OWN_VALUES.get(owner + ".", {}) | OWN_VALUES.get(name, {})
        if parameter.name in ("path", "self"):
            continue
        assert parameter.name in own or parameter.name in VALUES, f"{name}: no value for {parameter.name!r} here"
        out[parameter.name] = own.get(parameter.name, VALUES.get(parameter.name))
    return out


def calls():
    found = {}
    for name in nn.__all__:
        thing = getattr(nn, name)
        if name not in RESULTS:
            found[name] = (thing, arguments_of(name, thing))
    for thing in (ARCHITECTURE, DATA, TRAINING, COOLING, LANDSCAPE, OF_MODULE, ENSEMBLE, REFINED):
        owner = type(thing).__name__
        for name, method in inspect.getmembers(thing, inspect.ismethod):
            if not name.startswith("_") and name not in INTERNAL:
                found[f"{owner}.{name}"] = (method, arguments_of(name, method, owner))
    return found


CALLS = calls()


@pytest.mark.parametrize("name", CALLS)
def test_hostile_arguments(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, good = CALLS[name]
    if name.endswith(".save"):
        good = {"path": tmp_path / "result", **good}
    if name == "read_idx":
        path = tmp_path / "a"
        path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 2]))
        good = {"path": path, **good}
    if name != "read_mnist":  # there is no folder to read
        function(**good)
    names = "|".join([*good, "torch_module"])
    for argument in good:
        for hostile in HOSTILE:
            if argument in LONG and isinstance(hostile, (int, float)) and hostile > 1e9:
                continue
            kept = copy.deepcopy(hostile)
            error = raised_by(function, {**good, argument: hostile})
            typed = isinstance(error, (TypeError, ValueError, MemoryError, OverflowError))
            in_file = isinstance(error, OSError) and argument in ("path", "folder")
            named = error is None or in_file or (typed and re.search(rf"\b({names})\b", str(error)))
            assert named, (argument, hostile, error)
            if isinstance(hostile, np.ndarray):
                np.testing.assert_array_equal(np.ma.getdata(hostile), np.ma.getdata(kept))


def raised_by(function, arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(**arguments)
        except Exception as error:
            return error
    return None


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: nn.Architecture((4, 3), biases="no"), "biases: expected True or False, got str 'no'"),
        (lambda: nn.Architecture((4, 3), residual=1), "residual: expected True or False"),
        (lambda: ARCHITECTURE.initial(2, first=-1), "first: expected an integer from 0"),
        (lambda: ARCHITECTURE.outputs_of(POINTS[0], X[None]), r"inputs: expected shape \(replicas, 4\)"),
        (lambda: nn.NetworkLandscape(ARCHITECTURE, "cross-entropy", X[None], Y), "X: expected shape"),
        (
            lambda: nn.NetworkLandscape(nn.Architecture((4, 1)), "cross-entropy", X, 0 * Y),
            "loss: expected a loss of one",
        ),
        (lambda: nn.NetworkLandscape(ONE_OUTPUT, "logistic", X, Y % 2), "y: expected the signs -1 and 1"),
        (lambda: nn.NetworkLandscape(ONE_OUTPUT, "hinge", X, Y % 2), "y: expected the signs -1 and 1"),
        (lambda: nn.train_ensemble(ARCHITECTURE, DATA, 2, start=POINTS[:1]), r"start: expected shape \(2, 27\)"),
        (lambda: nn.train_ensemble(ARCHITECTURE, DATA, 2, training={"epochs": 1}), "training: expected a Training"),
        (lambda: nn.correlation_bound(1.5), "epsilon: expected a fraction"),
        (lambda: nn.clustered(X[None], 2), "parameters: expected shape"),
    ],
)
def test_what_was_taken_for_something_else_is_refused(call, match):
    with pytest.raises((TypeError, ValueError), match=match):
        call()


def test_the_callers_arrays_are_the_callers():
    inputs, targets = X.copy(), Y.copy()
    landscape = nn.NetworkLandscape(ARCHITECTURE, "cross-entropy", inputs, targets)
    single = inputs.astype(np.float32)
    data = nn.Data(single, targets, single, targets, classes=3)
    points = POINTS.copy()
    energies = landscape.energy(points)
    ensemble = nn.train_ensemble(ARCHITECTURE, data, 2, training=TRAINING, start=points, rng=0)
    for array in (inputs, targets, single):
        array[:] = 0
    assert np.array_equal(landscape.energy(POINTS), energies)
    again = nn.train_ensemble(ARCHITECTURE, data, 2, training=TRAINING, start=points, rng=0)
    assert np.array_equal(again.train_loss, ensemble.train_loss)
    assert np.array_equal(points, POINTS)
    refined = refined_networks(landscape, points, max_steps=0)
    assert not np.shares_memory(refined.points, points)


def test_data_cannot_be_changed_by_mistake():
    """Normalising the process's MNIST in place would change every later study."""
    for data in (nn.load_mnist10(), DATA, DATA.subset(5, 5, rng=0), DATA.binary([0])):
        for part in ("train_inputs", "train_targets", "test_inputs", "test_targets"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(data, part)[0] = 0

"""Recipes from files, sweeps, and their identity."""

import inspect
import json

import pytest
import toy_experiment as toy

from spinscape import study
from spinscape.study import Recipe, experiments, scaled_losses

SWEEP = """
experiment = "toy"
[parameters]
units = 3
[grid]
law = ["normal", "uniform"]
rng = [0, 1, 2]
"""


def test_files_are_completed_by_the_experiment(tmp_path):
    (tmp_path / "a.toml").write_text('experiment = "toy"\n[parameters]\nunits = 4\n')
    (tmp_path / "a.json").write_text(json.dumps({"experiment": "toy", "parameters": {"units": 4}}))
    assert Recipe.from_file(tmp_path / "a.toml") == Recipe.from_file(tmp_path / "a.json") == toy.recipe(units=4)


def test_scaled_losses_from_a_file(tmp_path):
    text = "[parameters]\nsizes = [8, 12]\nstarts = 10\n[parameters.tensors]\n8 = 3\n"
    (tmp_path / "a.toml").write_text('experiment = "scaled-losses"\n' + text)
    made = Recipe.from_file(tmp_path / "a.toml")
    assert made.parameters["tensors"] == {"8": 3, "12": 1}
    assert made.parameters["law"] == "gaussian"  # a default is part of the recipe


@pytest.mark.parametrize(
    ("name", "text", "error", "named"),
    [
        ("a.yaml", "", ValueError, r"\.toml or \.json"),
        ("a.toml", "= 3", ValueError, "cannot be read"),
        ("a.json", "[1]", ValueError, "experiment"),
        ("a.json", '{"experiment": "toy", "colour": 1}', ValueError, "colour"),
        ("a.json", '{"experiment": "toy", "parameters": {"colour": 1}}', TypeError, "colour"),
        ("a.json", '{"experiment": "toy", "parameters": {"law": "cauchy"}}', ValueError, "law"),
        ("a.json", '{"experiment": "os", "parameters": {}}', ValueError, "scaled-losses"),
        ("a.json", '{"experiment": 3}', TypeError, "experiment"),
        ("a.json", '{"experiment": "toy", "parameters": [1]}', TypeError, "parameters"),
        ("a.json", '{"experiment": "toy", "grid": {"law": "normal"}}', TypeError, "grid"),
        ("a.json", '{"experiment": "toy", "grid": {"law": ["normal", "cauchy"]}}', ValueError, "law"),
        (
            "a.json",
            '{"experiment": "toy", "grid": {"rng": [1]}, "parameters": {"rng": 2}}',
            ValueError,
            "fixed",
        ),
        ("a.json", '{"experiment": "sweep", "grid": {"law": ["normal"]}}', ValueError, "sweep"),
    ],
)
def test_bad_files(tmp_path, name, text, error, named):
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=named):
        Recipe.from_file(tmp_path / name)


OTHER = {
    "sizes": (8,),
    "tensors": {8: 2},
    "starts": 11,
    "extra_starts": 7,
    "p": 4,
    "law": "uniform",
    "nu": 5.0,
    "method": "lbfgs",
    "parts": 2,
    "tol": 1e-7,
    "dtype": "float64",
    "zero_tol": 1e-4,
    "rng": 1,
}


def test_a_store_refuses_a_recipe_with_any_parameter_changed(tmp_path):
    assert set(OTHER) == set(inspect.signature(scaled_losses.recipe).parameters)
    plain = {"sizes": (8, 9), "starts": 10, "law": "student-t", "nu": 4.0}
    study.Store(tmp_path / "s.sqlite", scaled_losses.recipe(**plain)).close()
    changed = [scaled_losses.recipe(**{**plain, name: value}) for name, value in OTHER.items() if name != "law"]
    changed.append(scaled_losses.recipe(**{**plain, "law": "uniform", "nu": None}))
    assert len({made.key for made in changed}) == len(OTHER)
    for made in changed:
        with pytest.raises(study.StoreError, match=rf"s\.sqlite holds recipe \w+, not {made.key[:12]}"):
            study.Store(tmp_path / "s.sqlite", made)


def test_a_file_that_names_a_module_runs_no_code(tmp_path):
    """Only names that were registered in this process, or declared by an installed package, are experiments."""
    for name in ("os", "toy_experiment", "../toy", "spinscape.study.scaled_losses"):
        with pytest.raises(ValueError, match="expected an experiment among"):
            experiments.load(name)


def test_parameters_are_what_json_gives_back():
    made = Recipe("a", {"sizes": (1, 2), "tensors": {3: 4}})
    assert made.parameters == {"sizes": [1, 2], "tensors": {"3": 4}}
    assert hash(made) == hash(Recipe.from_json(made.canonical()))
    with pytest.raises(TypeError, match="JSON"):
        Recipe("a", {"x": object()})


def test_a_sweep_gives_the_bits_of_its_recipes_alone(tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)
    made = Recipe.from_file(tmp_path / "sweep.toml")
    assert made == study.sweep("toy", {"law": ["normal", "uniform"], "rng": [0, 1, 2]}, units=3)
    with study.run(made, tmp_path / "s.sqlite") as store:
        rows = list(store.rows)
    assert len(rows) == 18
    for row in rows:
        alone = toy.recipe(units=3, law=row.unit["law"], rng=row.unit["rng"])
        inner = study.compute(alone, row.unit["unit"])
        assert {name: array.tobytes() for name, array in inner.items()} == {
            name: array.tobytes() for name, array in row.arrays.items()
        }


def test_a_sweep_in_worker_processes(tmp_path):
    made = study.sweep("toy", {"rng": [0, 1]}, units=3)
    with study.run(made, tmp_path / "a.sqlite") as here:
        digest = here.digest
    with study.run(made, tmp_path / "b.sqlite", study.processes(2)) as there:
        assert there.digest == digest


def test_absurd_grids_are_refused_at_once():
    with pytest.raises(ValueError, match=r"at most 1,000,000 combinations, got 1,000,000,000,000"):
        study.sweep("toy", {"rng": range(10**6), "samples": range(10**6)})

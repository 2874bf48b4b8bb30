"""What is read off the experiments is there to be read: parameters, sizes, names, the doors of the house."""

import json
import re
from pathlib import Path

import pytest

import spinscape
from spinscape import study
from spinscape.study import experiments
from spinscape.study.experiment import SIZES

ALL = [one for found in study.subjects().values() for one in found if experiments.subject_of(one.name)]
HOUSE = Path(spinscape.__file__).parent


def test_every_module_of_the_room_is_an_experiment_named_like_its_file():
    files = {path.stem.replace("_", "-") for path in (HOUSE / "experiments").glob("*/*.py") if path.stem != "__init__"}
    assert {one.name for one in ALL} == files
    assert len(ALL) >= 27


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_every_parameter_has_default_unit_and_help(one):
    assert one.sentence
    assert one.parameters
    names = [parameter.name for parameter in one.parameters]
    assert len(set(names)) == len(names)
    for parameter in one.parameters:
        assert parameter.help
        assert parameter.unit
        assert parameter.kind
        again = parameter.parsed(parameter.default_text(parameter.default))  # the help's words can be typed
        assert one.recipe(**{parameter.name: again}) == one.recipe()


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_every_size_is_a_recipe(one):
    sizes = [size for size in SIZES if getattr(one, size) is not None]
    made = {size: one.recipe(size) for size in sizes}
    for recipe in made.values():
        assert study.Recipe.from_json(recipe.canonical()) == recipe
        assert one.fits(recipe.parameters)
    with pytest.raises(ValueError, match="size"):
        one.recipe("enormous")


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_file_is_the_same_recipe_as_the_command(one, tmp_path):
    """By the names of the parameters, and by the size's."""
    listed = {parameter.name: parameter.default for parameter in one.parameters}
    given = {**listed, **one.quick}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"experiment": one.name, "parameters": given}))
    assert study.Recipe.from_file(path) == one.recipe("quick")
    path.write_text(json.dumps({"experiment": one.name, "size": "quick"}))
    assert study.Recipe.from_file(path) == one.recipe("quick")


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_every_experiment_is_drawn_by_its_own_module(one):
    """An experiment made from another by `replace` has a figure of its own; those of theory share one."""
    if experiments.subject_of(one.name) != "theory":
        assert one.figure.__module__ == experiments.module_of(one.name)


def test_a_count_for_each_size_follows_the_sizes_that_are_given():
    layers = study.experiment_of("layers")
    assert layers.recipe("default", sizes=(100, 30)).parameters["tensors"] == {"100": 4, "30": 8}
    with pytest.raises(ValueError, match="tensors"):
        layers.recipe("default", sizes=(100, 30), tensors={100: 4})


def test_no_string_names_a_module():
    """Modules are found by walking, entry points and `register`; 'spinscape.x.y' in quotes would be a second list."""
    named = re.compile(r"""["']spinscape(\.\w+)+["']""")
    allowed = {'"spinscape.experiments"'}  # the group of entry points
    rooms = ("study", "experiments", "figures", "statistics", "cli")
    for path in (path for room in rooms for path in (HOUSE / room).rglob("*.py")):
        found = {match[0] for match in named.finditer(path.read_text(encoding="utf-8"))} - allowed
        assert not found, path


def test_a_broken_plugin_hides_no_other(tmp_path, monkeypatch, caplog):
    (tmp_path / "broken_plugin.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(experiments._registered, "broken", "broken_plugin")
    found = study.subjects()
    assert "layers" in [one.name for one in found["critical_points"]]
    assert "broken_plugin" in caplog.text or "broken" in caplog.text
    with pytest.raises(ValueError, match="expected an experiment among"):
        experiments.load("no-such-experiment")


def test_the_page_of_experiments_is_what_the_registry_says():
    """docs/experiments.md; `spinscape list --markdown` writes what belongs under its mark."""
    from spinscape.cli.experiments import as_markdown

    found = {subject: some for subject, some in study.subjects().items() if subject}
    page = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert page.partition("<!-- spinscape list --markdown -->\n")[2] == as_markdown(found)

"""An experiment of a stranger: nothing but its one module, and everything works as with ours."""

import json
import sys

import pytest

from spinscape import study
from spinscape.cli import main
from spinscape.study import experiments

OBJECT = '''
"""How long a random walk takes to leave an interval, as a stranger would write it."""
from dataclasses import dataclass

import numpy as np

from spinscape.figures import style
from spinscape.statistics import mean
from spinscape.study import Experiment, ResultTable
from spinscape.study.parameters import SEED, integer, several


def units(parameters):
    for width in parameters["widths"]:
        yield {"width": width}


def compute(parameters, unit, n_threads):
    generator = np.random.default_rng([parameters["rng"], unit["width"]])
    steps = generator.choice([-1, 1], (parameters["walks"], 50 * unit["width"] ** 2)).cumsum(axis=1)
    return {"time": (np.abs(steps) >= unit["width"]).argmax(axis=1) + 1}


@dataclass(frozen=True)
class ExitTimes(ResultTable):
    """The table: a row a width."""

    times: dict

    @classmethod
    def of(cls, results):
        return cls({width: arrays["time"] for (width,), arrays in results.joined("width")})

    def rows(self):
        return [{"width": w, **mean(times).columns("time"), "exact": float(w**2)} for w, times in self.times.items()]


def draw(table):
    figure, (ax,) = style.new_figure("column", 2.5)
    style.estimates(ax, list(table.times), [mean(times) for times in table.times.values()])
    return figure


EXPERIMENT = Experiment(
    name="exit-times",
    sentence="exit times of random walks",
    source="Feller, vol. 1",
    parameters=(
        several(integer("widths", (3, 5), "half-widths of the interval", 1, unit="steps")),
        integer("walks", 200, "walks for each", 2, unit="walks"),
        SEED,
    ),
    quick={"walks": 50},
    units=units,
    compute=compute,
    cost=lambda parameters, unit: float(unit["width"] ** 2),
    table=ExitTimes,
    figure=draw,
    shown={"width": "", "time": ".2f", "exact": ".1f"},
)
'''


FUNCTIONS = '''
"""Squares of a few numbers. A module of 0.1.0: three functions and nothing else."""
import numpy as np


def units(parameters):
    return [{"k": k} for k in range(parameters["count"])]


def cost(parameters, unit):
    return 1.0


def compute(parameters, unit, n_threads):
    return {"square": np.arange(3.0) * unit["k"] ** 2}
'''


@pytest.fixture(params=["object", "functions"])
def stranger(request, tmp_path, monkeypatch):
    """Registered for one test: (name, module)."""
    text, name = {"object": (OBJECT, "exit-times"), "functions": (FUNCTIONS, "squares")}[request.param]
    module = f"stranger_{request.param}"
    (tmp_path / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(experiments, "_registered", {})
    yield name, module
    sys.modules.pop(module, None)


def recipe_of(name, tmp_path):
    parameters = {"count": 4} if name == "squares" else {"walks": 40}
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"experiment": name, "parameters": parameters}))
    return path


def test_it_runs_resumes_redraws_reports_exports_and_is_listed(stranger, tmp_path, capsys):
    name, module = stranger
    plugin = ["--experiment", f"{name}={module}"]
    path, half = tmp_path / "s.sqlite", tmp_path / "half.sqlite"
    assert main([*plugin, "run", str(recipe_of(name, tmp_path)), "--store", str(path)]) == 0
    with study.Store(path) as whole, study.Store(half, whole.recipe) as part:
        part.insert(next(iter(whole.records())))
        digest = whole.digest
    assert main(["resume", str(half), *plugin]) == 0
    with study.Store(half) as part:
        assert part.digest == digest
        assert part.table().rows()
        assert part.draw()
    out = tmp_path / "out"
    assert main(["redraw", str(path), "--out", str(out), *plugin]) == 0
    assert {file.suffix for file in out.iterdir()} >= {".csv", ".png"}
    assert main(["report", str(path), *plugin]) == 0
    assert "<svg" in path.with_suffix(".html").read_text(encoding="utf-8")
    assert main(["export", str(path), str(tmp_path / "t.csv"), *plugin]) == 0
    capsys.readouterr()
    assert main(["list", *plugin]) == 0
    assert name in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--help", *plugin])
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("stranger", ["object"], indirect=True)
def test_its_command_is_like_ours(stranger, tmp_path, capsys):
    name, module = stranger
    study.register(name, module)
    assert main([name, "--quick", "--widths", "2,3", "--out", str(tmp_path / "out")]) == 0
    assert {file.suffix for file in (tmp_path / "out").iterdir()} == {".sqlite", ".csv", ".md", ".png"}
    printed = capsys.readouterr().out
    assert "time" in printed
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert "half-widths of the interval" in capsys.readouterr().out
    swept = study.sweep(name, {"rng": [0, 1]}, walks=10)
    with study.run(swept, tmp_path / "sweep.sqlite", study.processes(2)) as store:
        assert len(store.done()) == 4


def test_an_entry_point_of_an_installed_package_is_enough(stranger, tmp_path, monkeypatch, capsys):
    """What pip writes: a folder of metadata beside the module."""
    name, module = stranger
    metadata = tmp_path / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{experiments.GROUP}]\n{name} = {module}\n")
    experiments._offered.cache_clear()
    try:
        assert experiments.names()[name] == module
        assert main(["list"]) == 0
        assert name in capsys.readouterr().out
    finally:
        experiments._offered.cache_clear()

"""Every experiment from its command to its files, tiny; the list is the registry's, so a new one is tested too."""

import csv
import json
import os

import pytest

from spinscape import study
from spinscape.cli import main
from spinscape.study import experiments

TINY = {  # the exact laws of N = 3 and N = 12 are tabulated once for all of them
    "scaled-losses": {"sizes": [6, 8], "tensors": 2, "starts": 8, "extra_starts": 4, "parts": 2},
    "enumerated-counts": {"sizes": [3], "tensors": 12, "mixtures": [{"3": 1.0}, {"3": 0.5, "4": 0.5}], "bins": 3},
    "layers": {"sizes": [12], "tensors": 1, "starts": 12, "low": 1, "draws": 50},
    "minima-bias": {"sizes": [12], "tensors": 2, "starts": 6, "annealing_steps": 30},
    "hessian-spectra": {"N": 12, "tensors": 1, "starts": 8, "pairs": 2},
    "overlaps": {"complete": [4], "sizes": [10], "tensors": 2, "starts": 12, "saddles": 4, "indices": [1, 3]},
    "disconnectivity": {"sizes": [3, 12], "starts": 16},
    "energy-slice": {"N": 14, "starts": 24, "points": 21},
    "energy-time": {"sizes": [8, 12, 16], "tensors": 3, "starts": 4, "t_max": 2.0},
    "ageing": {"sizes": [8, 12], "tensors": 2, "starts": 4, "t_max": 2.0, "waits": [0.2, 0.5], "step": 0.02},
    "algorithms": {"sizes": [8, 12], "tensors": 2, "starts": 4, "budgets": [60]},
    "annealing-rate": {"sizes": [8, 12], "tensors": 2, "starts": 4, "budgets": [30, 60]},
    "best-known": {"sizes": [6, 8, 10], "tensors": 3, "starts": 20, "annealing_steps": 50},
    "halting-times": {"N": 10, "samples": 12},
    "turning": {"N": 10, "tensors": 2, "starts": 4, "steps": 30},
    "spiked-tensor": {"sizes": [8, 12], "tensors": 2, "starts": 4},
    "network-losses": {"sizes": [2, 3, 4, 5], "networks": 5, "train": 200, "test": 200, "epochs": 2},
    "network-indices": {"sizes": [1, 2], "networks": 2, "train": 60, "epochs": 2, "refine_steps": 3},
    "network-annealing": {"sizes": [1, 2], "networks": 2, "train": 40, "test": 100, "epochs": 2, "sweeps": 2},
    "index-error": {"n": 2, "side": 2, "networks": 2, "train": 60, "epochs": [0, 2], "newton_steps": 10},
    "network-spectra": {
        "clusters": [2, 3],
        "widths": [2, 3],
        "inputs": 3,
        "networks": 2,
        "train": 60,
        "epochs": [0, 2],
    },
    "redundancy": {
        "n": 2,
        "networks": 2,
        "values": [2, 300],
        "train": 200,
        "epochs": 2,
        "annealed": 1,
        "annealed_train": 40,
        "sweeps": 1,
    },
    "theory-complexity": {},
    "theory-counts": {"N": [12, 30]},
    "theory-density": {"N": 12},
    "theory-derivative-curves": {"N": 12},
    "theory-layers": {"p": [3]},
}
NAMES = [one.name for found in study.subjects().values() for one in found if experiments.subject_of(one.name)]


def options(name):
    """As they are typed: lists and counts with commas where that can be said, JSON elsewhere."""
    for parameter, value in TINY.get(name, {}).items():
        plain = not isinstance(value, list) or not any(isinstance(element, dict) for element in value)
        text = ",".join(map(str, value)) if isinstance(value, list) and plain and len(value) > 1 else json.dumps(value)
        yield from (f"--{parameter.replace('_', '-')}", text)


def read(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_redraws_reports_and_exports(name, tmp_path, capsys):
    experiment = study.experiment_of(name)
    for module in experiment.needs:
        pytest.importorskip(module)
    out = tmp_path / "out"
    assert main([name, "--quick", *options(name), "--out", str(out), "--threads", "1"]) == 0
    assert "wrote" in capsys.readouterr().out
    (stored,) = out.glob("*.sqlite")
    table, figure = stored.with_suffix(".csv"), stored.with_suffix(".png")
    assert read(table)
    assert figure.stat().st_size > 10_000
    if experiment.shown:
        assert stored.with_suffix(".md").read_text(encoding="utf-8").startswith("| ")

    assert main(["redraw", str(stored), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / table.name).read_bytes() == table.read_bytes()
    assert (tmp_path / "again" / figure.name).read_bytes() == figure.read_bytes()

    assert main(["report", str(stored)]) == 0
    assert experiment.sentence[1:20] in stored.with_suffix(".html").read_text(encoding="utf-8")
    assert main(["export", str(stored), str(tmp_path / "all.csv")]) == 0
    with study.Store(stored) as store:
        assert experiment.fits(store.recipe.parameters)
        assert set(store.table().rows()[0]) <= set(read(table)[0])
        assert all(figure.axes for figure in store.draw().values())
        assert store.recipe == experiment.recipe("quick", **TINY.get(name, {}))  # typed and called, the same recipe


@pytest.mark.parametrize("name", NAMES)
def test_its_command_explains_every_parameter(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit):
        main([name, "--help"])
    said = capsys.readouterr().out
    for parameter in study.experiment_of(name).parameters:
        assert f"--{parameter.name.replace('_', '-')}" in said
        assert f"[{parameter.unit}; " in said
    assert os.environ["COLUMNS"] == "400"

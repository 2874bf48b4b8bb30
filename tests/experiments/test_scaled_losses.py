"""The scaled-loss study end to end on small glasses: units, resumption, table, figure, command line."""

import csv
import json

import numpy as np
import pytest

import spinscape as sp
from spinscape import study
from spinscape.cli import main
from spinscape.experiments.glass import scaled_losses
from spinscape.experiments.glass.scaled_losses import ScaledLosses

SMALL = {"sizes": (8, 12), "tensors": {8: 3}, "starts": 20, "extra_starts": 6, "parts": 2}


def content(store):
    with store:
        return {row.key: {name: array.tobytes() for name, array in row.arrays.items()} for row in store.rows}


def test_units_cover_every_start_once():
    made = scaled_losses.recipe(sizes=(25, 50), tensors={25: 2}, starts=1000, extra_starts=100)
    work = scaled_losses.units(made.parameters)
    starts = {}
    for unit in work:
        starts.setdefault((unit["N"], unit["tensor"]), []).extend(range(unit["first"], unit["first"] + unit["count"]))
    assert starts == {(25, 0): list(range(1000)), (25, 1): list(range(100)), (50, 0): list(range(1000))}


@pytest.mark.parametrize("method", scaled_losses.METHODS)
def test_every_method_ends_in_certified_minima(tmp_path, method):
    made = scaled_losses.recipe(**SMALL, method=method, dtype="float64")
    with study.run(made, tmp_path / "s.sqlite", n_threads=2) as store:
        table = ScaledLosses.from_store(store)
        provenance = next(iter(store.rows)).provenance
    assert [size.N for size in table.sizes] == [8, 12]
    assert {"stream_version", "threads", "seconds", "spinscape"} <= set(provenance)
    for size in table.sizes:
        settled = size.converged & size.certified
        assert settled.mean() > 0.9
        # Refinement stays in the basin: energies hardly rise, and the polished point lies near the raw one.
        assert np.median(size.overlap) > 0.99
        assert np.all(size.index[settled] == 0)


def test_ends_are_what_the_protocol_gives(tmp_path):
    """The stored energies against the same protocol by hand (oracle: the public functions, one start at a time)."""
    made = scaled_losses.recipe(sizes=(8,), starts=5, method="gradient", dtype="float64")
    with study.run(made, tmp_path / "s.sqlite") as store:
        u = ScaledLosses.from_store(store).sizes[0].energy_density
    glass = sp.PureGlass(3, 8, rng=np.random.SeedSequence(0, spawn_key=(8, 0, 0)))
    starts = glass.random_points(5, rng=np.random.SeedSequence(0, spawn_key=(8, 0, 1)))
    for start, expected in zip(starts, u, strict=True):
        run = sp.descend(glass, start[None], method="gradient", step=0.1, tol=1e-6, max_steps=100_000)
        assert run.energy_density[0] == pytest.approx(expected, abs=1e-12)


class Interrupting:
    """A progress bar whose third update is a Ctrl-C."""

    total = None

    def __init__(self):
        self.updates = 0

    def update(self, n):
        self.updates += 1
        if self.updates == 3:
            raise KeyboardInterrupt

    def set_postfix_str(self, s):
        pass


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    made = scaled_losses.recipe(**SMALL)
    whole = content(study.run(made, tmp_path / "whole.sqlite"))
    with pytest.raises(KeyboardInterrupt):
        study.run(made, tmp_path / "broken.sqlite", progress=Interrupting())
    with study.Store(tmp_path / "broken.sqlite") as store:
        assert len(store.done()) == 3
    assert content(study.resume(tmp_path / "broken.sqlite", n_threads=1)) == whole


def test_threads_do_not_change_results(tmp_path):
    made = scaled_losses.recipe(sizes=(10,), starts=30)
    digests = [content(study.run(made, tmp_path / f"{n}.sqlite", n_threads=n)) for n in (1, 2, 3)]
    assert digests[0] == digests[1] == digests[2]


def test_command_line_writes_figure_table_and_results(tmp_path, capsys):
    command = ["scaled-losses", "--sizes", "8,10", "--starts", "12", "--tensors", "2", "--extra-starts", "4"]
    assert main([*command, "--out", str(tmp_path), "--format", "png,pdf"]) == 0
    printed = capsys.readouterr().out
    (table,) = tmp_path.glob("scaled-losses-*.csv")
    assert table.with_suffix(".png").stat().st_size > 10_000
    assert table.with_suffix(".pdf").exists()
    with table.open() as file:
        header = file.readline()
        rows = list(csv.DictReader(file))
    recipe = json.loads(header.split("recipe ", 1)[1])
    assert recipe["parameters"]["sizes"] == [8, 10]
    assert [int(row["N"]) for row in rows] == [8, 10]
    assert [int(row["starts"]) for row in rows] == [16, 16]
    assert "wrote" in printed

    (store,) = tmp_path.glob("*.sqlite")
    assert store.stem == table.stem  # what belongs to a recipe carries its key
    before = table.read_bytes()
    assert main(["redraw", str(store), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / table.name).read_bytes() == before
    assert main([*command, "--out", str(tmp_path)]) == 0
    assert "continued" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--sizes", "1"], "sizes"),
        (["--starts", "0"], "starts"),
        (["--law", "cauchy"], "law"),
        (["--method", "adam"], "method"),
        (["--p", "1"], "p:"),
        (["--dtype", "float16"], "dtype"),
        (["--sizes", "100000", "--starts", "1"], "bytes"),
    ],
)
def test_bad_options_end_in_one_line(tmp_path, capsys, options, named):
    assert main(["scaled-losses", *options, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("spinscape: ")
    assert named in error
